import { EventLog, LOG_START } from '../log/event-log.js';
import type { LogFile } from '../log/log-file.js';
import type { LogRecord, NewRecord } from '../log/record.js';
import { CommitQueue } from './commit-queue.js';
import { defaultMetadata, describedBy, isMetastream, parseMetadata } from './stream-metadata.js';
import type { StreamMetadata } from './stream-metadata.js';

/** Where a stream's events are in the log. A revision is an index into `positions`. */
export interface StreamIndex {
  readonly name: string;
  readonly positions: number[];
  /** Position of the event that ended the stream for ever. */
  tombstone?: number;
}

/** What one append made readable, in order. */
export interface Committed {
  readonly stream: string;
  readonly positions: readonly number[];
}

/** Records in the order of the log, and which of them belong to which stream. Writes are prepared first and readable once committed. */
export class EventStore {
  readonly log = new EventLog();
  readonly #streams = new Map<string, StreamIndex>();
  readonly #metadata = new Map<string, StreamMetadata>();
  readonly #listeners = new Set<(committed: Committed) => void>();
  readonly #file: LogFile | undefined;
  readonly #queue: CommitQueue;
  #committedEnd = LOG_START;

  constructor(options: { readonly file?: LogFile; readonly commitDelayMs: number }) {
    this.#file = options.file;
    this.#queue = new CommitQueue(options.commitDelayMs, (end) => this.#commitUpTo(end));
  }

  /** Reads back what an earlier process wrote. */
  open(): void {
    const bytes = this.#file?.open();
    if (!bytes || bytes.length === 0) return;
    this.log.appendBytes(bytes);
    for (let at = LOG_START; at < this.log.end; at += this.log.at(at).size) this.#index(this.log.at(at));
    this.#committedEnd = this.log.end;
  }

  close(): void {
    this.#queue.clear();
    this.#file?.close();
  }

  get commitDelayMs(): number {
    return this.#queue.delayMs;
  }

  set commitDelayMs(delayMs: number) {
    this.#queue.delayMs = delayMs;
  }

  /** One past the last readable record. */
  get committedEnd(): number {
    return this.#committedEnd;
  }

  streams(): IterableIterator<StreamIndex> {
    return this.#streams.values();
  }

  stream(name: string): StreamIndex | undefined {
    return this.#streams.get(name);
  }

  metadataOf(stream: string): StreamMetadata {
    return this.#metadata.get(stream) ?? defaultMetadata(stream);
  }

  /** A tombstone ends the stream and the stream that describes it. */
  isTombstoned(stream: string): boolean {
    if (this.#streams.get(stream)?.tombstone !== undefined) return true;
    return isMetastream(stream) && this.#streams.get(describedBy(stream))?.tombstone !== undefined;
  }

  /** The stream's last revision that is readable, -1 for none. */
  lastCommitted({ positions }: StreamIndex): number {
    let last = positions.length - 1;
    while (last >= 0 && positions[last]! >= this.#committedEnd) last -= 1;
    return last;
  }

  /** The record that begins at `position`, if one does: any other offset falls into the middle of one. */
  recordAt(position: number): LogRecord | undefined {
    const record = this.log.tryAt(position);
    if (!record || record.kind === 'filler') return record;
    const stream = this.#streams.get(record.stream);
    return stream?.positions[record.revision] === position || stream?.tombstone === position ? record : undefined;
  }

  /**
   * Writes one append as a whole.
   *
   * @returns the position of the last record
   */
  write(records: readonly NewRecord[]): number {
    let position = this.log.end;
    for (const record of records) {
      position = this.log.append(record);
      this.#index(this.log.at(position));
    }
    this.#queue.add(this.log.end);
    return position;
  }

  /** Calls back once everything written so far is readable; at once if it is already. */
  whenCommitted(callback: () => void): void {
    this.#queue.afterLast(callback);
  }

  onCommitted(listener: (committed: Committed) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Ends as a killed process does: of the appends still being committed the first `surviving` are kept, nobody is told, and the rest
   * never happened.
   */
  crash(surviving: (inFlight: number) => number): void {
    const ends = this.#queue.clear();
    const kept = Math.min(Math.max(surviving(ends.length), 0), ends.length);
    if (kept > 0) this.#commitUpTo(ends[kept - 1]!);
    while (this.log.end > this.#committedEnd) this.#unwriteLast();
  }

  #index(record: LogRecord): void {
    if (record.kind === 'filler') return;
    const name = record.stream;
    let stream = this.#streams.get(name);
    if (!stream) this.#streams.set(name, (stream = { name, positions: [] }));
    if (record.kind === 'tombstone') stream.tombstone = record.position;
    else stream.positions.push(record.position);
    if (isMetastream(name)) this.#metadata.set(describedBy(name), parseMetadata(record.data));
  }

  #unwriteLast(): void {
    const record = this.log.before(this.log.end)!;
    const stream = this.#streams.get(record.stream);
    if (stream && record.kind === 'tombstone') delete stream.tombstone;
    if (stream && record.kind === 'event') stream.positions.pop();
    this.log.truncate(record.position);
    if (stream && isMetastream(stream.name)) this.#readMetadataAgain(stream);
    if (stream?.positions.length === 0 && stream.tombstone === undefined) this.#streams.delete(stream.name);
  }

  #readMetadataAgain({ name, positions }: StreamIndex): void {
    const latest = positions.at(-1);
    if (latest === undefined) this.#metadata.delete(describedBy(name));
    else this.#metadata.set(describedBy(name), parseMetadata(this.log.at(latest).data));
  }

  #commitUpTo(end: number): void {
    const start = this.#committedEnd;
    // Into the file first: nothing is readable or acknowledged that a killed process could lose.
    if (this.#file) for (const bytes of this.log.bytes(start, end)) this.#file.append(bytes);
    this.#committedEnd = end;
    if (this.#listeners.size > 0) this.#tell(start, end);
  }

  #tell(start: number, end: number): void {
    let positions: number[] = [];
    for (let at = start; at < end;) {
      const record = this.log.at(at);
      if (record.kind !== 'filler') positions.push(at);
      at += record.size;
      if (!record.endsAppend) continue;
      if (positions.length > 0) for (const listener of this.#listeners) listener({ stream: record.stream, positions });
      positions = [];
    }
  }
}
