import type { LogRecord } from './log/record.js';
import { DELETED_REVISION } from './store/stream-metadata.js';

/** An event as it is stored, for tests that look behind the server's back. */
export interface StoredEvent {
  readonly stream: string;
  readonly revision: bigint;
  /** Its place in the log; `$all` is in this order. */
  readonly position: bigint;
  readonly id: string;
  readonly type: string;
  readonly json: boolean;
  readonly createdAt: Date;
  /** The bytes as the client sent them: a copy. */
  readonly data: Buffer;
  /** The bytes as the client sent them: a copy, empty when there were none. */
  readonly metadata: Buffer;
}

export function storedEventOf(record: LogRecord): StoredEvent {
  return {
    stream: record.stream,
    revision: record.kind === 'tombstone' ? DELETED_REVISION : BigInt(record.revision),
    position: BigInt(record.position),
    id: record.id,
    type: record.type,
    json: record.json,
    createdAt: new Date(record.createdAt),
    data: Buffer.from(record.data),
    metadata: Buffer.from(record.metadata),
  };
}
