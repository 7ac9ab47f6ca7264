/** The CloudEvents attributes, beside those that every CloudEvent has, that a message travels with. All values are text. */
export const ATTRIBUTE = {
  /** The stream; the same as `subject`. */
  partitionKey: 'partitionkey',
  /** The revision, decimal. */
  sequence: 'sequence',
  traceparent: 'traceparent',
  correlationId: 'correlationid',
  causationId: 'causationid',
  /** Revision of the message of the stream that the route delivered before this one, or {@link NO_PREVIOUS}. */
  previous: 'waybillprevious',
  /** The sender's lease epoch, decimal. */
  epoch: 'waybillepoch',
  route: 'waybillroute',
  /** `event` or `command`. */
  kind: 'waybillkind',
  schemaVersion: 'waybillschema',
  codec: 'waybillcodec',
} as const;

/** Says that the route has delivered nothing of the stream before. */
export const NO_PREVIOUS = 'none';
