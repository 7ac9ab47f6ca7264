import { LogRecord, sizeOfRecord, sizeOfRecordBefore, SMALLEST_RECORD, writeRecord } from './record.js';
import type { NewRecord } from './record.js';

const CHUNK_BYTES = 4 * 1024 * 1024;

/** The first record's position. Not 0: subscriptions start *after* a position, and 0 must lie before every event. */
export const LOG_START = 8;

interface Chunk {
  readonly start: number;
  readonly bytes: Buffer;
  used: number;
}

/**
 * All records in one row of bytes. A record's position is its byte offset, as it is on the real server: growing, not dense.
 *
 * Events are kept as bytes, not as objects: a million small events are a few dozen buffers, which the garbage collector does not walk.
 * Positions are plain numbers inside this package (an offset stays far below 2^53) and `bigint` wherever a user sees them.
 */
export class EventLog {
  readonly #chunks: Chunk[] = [{ start: LOG_START, bytes: Buffer.allocUnsafeSlow(CHUNK_BYTES), used: 0 }];

  /** One past the last byte: where the next record will be. */
  get end(): number {
    return this.#last.start + this.#last.used;
  }

  /** @returns the position of the new record */
  append(record: NewRecord): number {
    const size = sizeOfRecord(record);
    const chunk = this.#roomFor(size);
    const position = chunk.start + chunk.used;
    writeRecord(chunk.bytes, chunk.used, record);
    chunk.used += size;
    return position;
  }

  /** Takes bytes that an earlier log wrote: whole records, beginning at {@link end}. */
  appendBytes(bytes: Buffer): void {
    this.#chunks.push({ start: this.end, bytes, used: bytes.length });
  }

  /** @param position - must be the position of a record */
  at(position: number): LogRecord {
    const chunk = this.#chunkAt(position);
    return new LogRecord(chunk.bytes, position - chunk.start, position);
  }

  /** The record that ends at `position`, or `undefined` at the start of the log. */
  before(position: number): LogRecord | undefined {
    if (position <= LOG_START) return undefined;
    const chunk = this.#chunkAt(position - 1);
    const start = position - chunk.start - sizeOfRecordBefore(chunk.bytes, position - chunk.start);
    return new LogRecord(chunk.bytes, start, chunk.start + start);
  }

  /** Reads what may or may not be a record: `undefined` if the bytes there cannot be one. The caller checks the content. */
  tryAt(position: number): LogRecord | undefined {
    if (position < LOG_START || position >= this.end) return undefined;
    const chunk = this.#chunkAt(position);
    const start = position - chunk.start;
    if (start + SMALLEST_RECORD > chunk.used) return undefined;
    const size = chunk.bytes.readUInt32LE(start);
    if (size < SMALLEST_RECORD || start + size > chunk.used) return undefined;
    return sizeOfRecordBefore(chunk.bytes, start + size) === size ? new LogRecord(chunk.bytes, start, position) : undefined;
  }

  /** The bytes between two record boundaries, in order, as views. */
  *bytes(from: number, to: number): Generator<Buffer> {
    for (const { start, bytes, used } of this.#chunks) {
      const [first, last] = [Math.max(from - start, 0), Math.min(to - start, used)];
      if (first < last) yield bytes.subarray(first, last);
    }
  }

  /** Forgets everything from `position` on: what a process had not yet written when it was killed. */
  truncate(position: number): void {
    while (this.#last.start >= position && this.#chunks.length > 1) this.#chunks.pop();
    this.#last.used = position - this.#last.start;
  }

  get #last(): Chunk {
    return this.#chunks[this.#chunks.length - 1]!;
  }

  #roomFor(size: number): Chunk {
    const last = this.#last;
    if (last.used + size <= last.bytes.length) return last;
    const chunk = { start: this.end, bytes: Buffer.allocUnsafeSlow(Math.max(CHUNK_BYTES, size)), used: 0 };
    this.#chunks.push(chunk);
    return chunk;
  }

  #chunkAt(position: number): Chunk {
    if (position >= this.#last.start) return this.#last;
    let [low, high] = [0, this.#chunks.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#chunks[middle]!.start <= position) low = middle;
      else high = middle - 1;
    }
    return this.#chunks[low]!;
  }
}
