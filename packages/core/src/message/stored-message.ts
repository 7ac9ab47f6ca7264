import type { MessageFields } from './message.js';

/** A message as outbox rows keep it: the payload is JSON text in the shape of its schema version, untouched since commit. */
export interface StoredMessage extends MessageFields {
  readonly type: string;
  /** Name of the {@link PayloadCodec} that made the payload. */
  readonly codec: string;
  readonly payload: string;
}

/** A message as an event history gives it back: the payload is parsed JSON, not yet decoded or upcast. */
export interface RecordedMessage extends Omit<StoredMessage, 'payload'> {
  readonly json: unknown;
}

/** Type of the message that takes the place of one that an operator skipped. Loading counts it and does not apply it. */
export const SKIPPED_TYPE = 'waybill-skipped';
