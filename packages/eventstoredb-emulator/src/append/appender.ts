import { randomUUID } from 'node:crypto';
import type { NewRecord } from '../log/record.js';
import type { EventStore } from '../store/event-store.js';
import { DELETED_REVISION, describedBy, isMetastream, metastreamOf, recreation, softDeletion } from '../store/stream-metadata.js';
import type { Accepted, Append, AppendOutcome, ExpectedRevision } from './append-outcome.js';
import { IdempotencyCheck } from './idempotency.js';
import { RecentIds } from './recent-ids.js';

const NOTHING = new Uint8Array();

/** Checks and writes: appends, soft deletes, tombstones. Everything happens within the call; only the commit may come later. */
export class Appender {
  readonly #recentIds = new RecentIds();
  readonly #check: IdempotencyCheck;

  constructor(private readonly store: EventStore) {
    this.#check = new IdempotencyCheck(store, this.#recentIds);
  }

  /** What a restart does to the only guard that `ANY` has. */
  forgetRecentIds(): void {
    this.#recentIds.clear();
  }

  /** @returns `undefined` when the real server would not answer: the same events are in flight already */
  append({ stream, expected, events }: Append): AppendOutcome | undefined {
    const check = this.#check.check(
      stream,
      expected,
      events.map(({ id }) => id),
    );
    if (check.kind === 'in-flight') return undefined;
    if (check.kind === 'stream-deleted') return check;
    if (check.kind === 'stored') return { ...check, kind: 'accepted' };
    if (check.kind === 'wrong-expected-revision') return this.#conflict(stream, expected);

    const describedIsDeleted = isMetastream(stream) && this.store.metadataOf(describedBy(stream)).softDeleted;
    const first = this.#lastRevision(stream) + 1;
    const accepted = this.#write({ stream, expected, events });
    if (check.recreates) this.#recreate(stream, first);
    if (describedIsDeleted) this.#recreate(describedBy(stream), this.#lastRevision(describedBy(stream)) + 1);
    return accepted;
  }

  /** Hides the stream: its next writer goes on counting where it ended. */
  softDelete(stream: string, expected: ExpectedRevision): AppendOutcome {
    return this.#unlessRefused(stream, expected, () => {
      if (this.#lastRevision(stream) < 0) return this.#conflict(stream, expected);
      return this.#describe(stream, softDeletion());
    });
  }

  /** Ends the stream for ever. */
  tombstone(stream: string, expected: ExpectedRevision): AppendOutcome {
    return this.#unlessRefused(stream, expected, () => {
      const record: NewRecord = {
        ...newRecord(stream, Number(DELETED_REVISION), Date.now()),
        kind: 'tombstone',
        type: '$streamDeleted',
      };
      return { kind: 'accepted', revision: Number(DELETED_REVISION), position: this.store.write([record]) };
    });
  }

  #unlessRefused(stream: string, expected: ExpectedRevision, accept: () => AppendOutcome): AppendOutcome {
    const check = this.#check.check(stream, expected, [randomUUID()]);
    if (check.kind === 'write') return accept();
    return check.kind === 'stream-deleted' ? check : this.#conflict(stream, expected);
  }

  #write({ stream, events }: Append): Accepted {
    const createdAt = Date.now();
    const first = this.#lastRevision(stream) + 1;
    const last = events.length - 1;
    const records = events.map((event, index): NewRecord => {
      return { ...event, kind: 'event', stream, createdAt, revision: first + index, endsAppend: index === last };
    });
    for (const { id, revision } of records) this.#recentIds.remember(id, stream, revision);
    if (records.length === 0) records.push({ ...newRecord(stream, first, createdAt), kind: 'filler' });
    return { kind: 'accepted', revision: first + last, position: this.store.write(records) };
  }

  #recreate(stream: string, firstRevision: number): void {
    const latest = this.store.stream(metastreamOf(stream))?.positions.at(-1);
    this.#describe(stream, recreation(latest === undefined ? NOTHING : this.store.log.at(latest).data, firstRevision));
  }

  #describe(stream: string, metadata: Uint8Array): Accepted {
    const metastream = metastreamOf(stream);
    const event = { id: randomUUID(), type: '$metadata', json: true, data: metadata, metadata: NOTHING };
    return this.#write({ stream: metastream, expected: 'any', events: [event] });
  }

  #conflict(stream: string, expected: ExpectedRevision): AppendOutcome {
    return { kind: 'wrong-expected-revision', expected, current: this.#lastRevision(stream) };
  }

  #lastRevision(stream: string): number {
    return (this.store.stream(stream)?.positions.length ?? 0) - 1;
  }
}

function newRecord(stream: string, revision: number, createdAt: number): NewRecord {
  return {
    kind: 'event',
    id: randomUUID(),
    revision,
    createdAt,
    stream,
    type: '',
    json: false,
    metadata: NOTHING,
    data: NOTHING,
    endsAppend: true,
  };
}
