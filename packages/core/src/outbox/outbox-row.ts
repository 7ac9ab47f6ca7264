import type { StoredMessage } from '../message/stored-message.js';

declare const opaque: unique symbol;

/** A lane's place in the outbox. Only the adapter that made it looks inside. */
export interface Checkpoint {
  readonly [opaque]: 'checkpoint';
}

/** A committed message as a lane reads it. Its properties may be getters: do not spread it. */
export interface OutboxRow extends StoredMessage {
  /** Place in the outbox; comparable within a stream only. */
  readonly position: bigint;
  /** When the row was written, by the database's clock. */
  readonly recordedAt: Date;
  /** The lane's place right after this row: what to settle when this is the last one delivered. */
  readonly checkpoint: Checkpoint;
}
