/** Names of request headers, in lower case as Node gives them. */
export const HEADER = {
  /** Standard Webhooks: the key that was signed with the body. */
  webhookId: 'webhook-id',
  /** Standard Webhooks: when it was signed, in seconds since 1970. */
  webhookTimestamp: 'webhook-timestamp',
  /** Standard Webhooks: one signature per active secret, separated by spaces. */
  webhookSignature: 'webhook-signature',
  idempotencyKey: 'idempotency-key',
} as const;

/** What the name of an attribute begins with as a header, in binary mode. */
export const ATTRIBUTE_HEADER_PREFIX = 'ce-';
