import type { OutboxMessage } from '@waybill/core';

export interface PackLimits {
  readonly messages: number;
  /** Of payloads; what stands around each is allowed for with a guess. */
  readonly bytes: number;
}

// Attributes, quotes and commas around one payload, by experience.
const AROUND_A_PAYLOAD = 600;

/** How many messages from `from` on go into one request: at least one, and only such as `fits` takes together with the first. */
export function packed(
  batch: readonly OutboxMessage[],
  from: number,
  { messages, bytes }: PackLimits,
  fits: (message: OutboxMessage) => boolean,
): readonly OutboxMessage[] {
  let [count, size] = [0, 0];
  for (const message of batch.slice(from, from + messages)) {
    size += Buffer.byteLength(message.payload) + AROUND_A_PAYLOAD;
    if (count > 0 && (size > bytes || !fits(message))) break;
    count++;
  }
  return batch.slice(from, from + count);
}
