/** What a record in the log stands for. A filler is the trace of an append without events: it takes a position and is never read. */
export type RecordKind = 'event' | 'tombstone' | 'filler';

/** One record, as it goes into the log. */
export interface NewRecord {
  readonly kind: RecordKind;
  readonly id: string;
  readonly revision: number;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly stream: string;
  readonly type: string;
  readonly json: boolean;
  readonly metadata: Uint8Array;
  readonly data: Uint8Array;
  /** Whether the append ends here; a log file that breaks off before such a record loses the whole append. */
  readonly endsAppend: boolean;
}

const KINDS: readonly RecordKind[] = ['event', 'tombstone', 'filler'];
const JSON_FLAG = 0x10;
const ENDS_APPEND_FLAG = 0x20;
const KIND_MASK = 0x0f;

// size 4, flags 1, id 36, revision 8, created 8, four lengths 4 each; the size stands again at the end, to walk backwards.
const FLAGS = 4;
const ID = 5;
const REVISION = 41;
const CREATED = 49;
const STREAM_LENGTH = 57;
const TYPE_LENGTH = 61;
const METADATA_LENGTH = 65;
const DATA_LENGTH = 69;
const BODY = 73;
const ID_LENGTH = 36;
const SIZE_LENGTH = 4;
export const SMALLEST_RECORD = BODY + SIZE_LENGTH;

/** Bytes that {@link writeRecord} takes for this record. */
export function sizeOfRecord({ stream, type, metadata, data }: NewRecord): number {
  return SMALLEST_RECORD + Buffer.byteLength(stream) + Buffer.byteLength(type) + metadata.length + data.length;
}

export function writeRecord(target: Buffer, start: number, record: NewRecord): void {
  let at = start + BODY;
  const streamLength = target.write(record.stream, at);
  at += streamLength;
  const typeLength = target.write(record.type, at);
  at += typeLength;
  target.set(record.metadata, at);
  at += record.metadata.length;
  target.set(record.data, at);
  at += record.data.length;

  const size = at + SIZE_LENGTH - start;
  target.writeUInt32LE(size, start);
  target[start + FLAGS] = KINDS.indexOf(record.kind) | (record.json ? JSON_FLAG : 0) | (record.endsAppend ? ENDS_APPEND_FLAG : 0);
  target.write(record.id.padEnd(ID_LENGTH), start + ID, ID_LENGTH, 'latin1');
  target.writeDoubleLE(record.revision, start + REVISION);
  target.writeDoubleLE(record.createdAt, start + CREATED);
  target.writeUInt32LE(streamLength, start + STREAM_LENGTH);
  target.writeUInt32LE(typeLength, start + TYPE_LENGTH);
  target.writeUInt32LE(record.metadata.length, start + METADATA_LENGTH);
  target.writeUInt32LE(record.data.length, start + DATA_LENGTH);
  target.writeUInt32LE(size, at);
}

/** A record read in place: every field is decoded when asked for, and byte fields are views that must not be changed. */
export class LogRecord {
  readonly #bytes: Buffer;
  readonly #start: number;

  /** @param position - the record's place in the whole log, `start` its place in `bytes` */
  constructor(
    bytes: Buffer,
    start: number,
    readonly position: number,
  ) {
    this.#bytes = bytes;
    this.#start = start;
  }

  get size(): number {
    return this.#bytes.readUInt32LE(this.#start);
  }

  get kind(): RecordKind {
    return KINDS[this.#flags & KIND_MASK] ?? 'filler';
  }

  get json(): boolean {
    return (this.#flags & JSON_FLAG) !== 0;
  }

  get endsAppend(): boolean {
    return (this.#flags & ENDS_APPEND_FLAG) !== 0;
  }

  get id(): string {
    return this.#bytes.toString('latin1', this.#start + ID, this.#start + ID + ID_LENGTH);
  }

  get revision(): number {
    return this.#bytes.readDoubleLE(this.#start + REVISION);
  }

  get createdAt(): number {
    return this.#bytes.readDoubleLE(this.#start + CREATED);
  }

  get streamBytes(): Buffer {
    return this.#slice(0, STREAM_LENGTH);
  }

  get stream(): string {
    return this.streamBytes.toString();
  }

  get type(): string {
    return this.#slice(this.#length(STREAM_LENGTH), TYPE_LENGTH).toString();
  }

  get metadata(): Buffer {
    return this.#slice(this.#length(STREAM_LENGTH) + this.#length(TYPE_LENGTH), METADATA_LENGTH);
  }

  get data(): Buffer {
    return this.#slice(this.#length(STREAM_LENGTH) + this.#length(TYPE_LENGTH) + this.#length(METADATA_LENGTH), DATA_LENGTH);
  }

  get #flags(): number {
    return this.#bytes[this.#start + FLAGS] ?? 0;
  }

  #length(field: number): number {
    return this.#bytes.readUInt32LE(this.#start + field);
  }

  #slice(offset: number, lengthField: number): Buffer {
    const from = this.#start + BODY + offset;
    return this.#bytes.subarray(from, from + this.#length(lengthField));
  }
}

/** The size at the end of the record that ends at `end`. */
export function sizeOfRecordBefore(bytes: Buffer, end: number): number {
  return bytes.readUInt32LE(end - SIZE_LENGTH);
}
