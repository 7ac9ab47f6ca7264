import { StreamDivergedError, StreamGapError } from '../errors.js';
import type { Catalogue } from '../message/catalogue.js';
import { SKIPPED_TYPE } from '../message/stored-message.js';
import type { RecordedMessage } from '../message/stored-message.js';
import type { OutboxStore } from '../outbox/outbox-store.js';
import { isSnapshotted } from './aggregate-root.js';
import type { AggregateRoot } from './aggregate-root.js';
import type { EventHistory } from './event-history.js';
import { OutboxHistory } from './outbox-history.js';
import type { SnapshotStore } from './snapshot-store.js';

export interface AggregateRepositoryOptions<Tx> {
  readonly outbox: OutboxStore<Tx>;
  readonly snapshots: SnapshotStore<Tx>;
  readonly catalogue: Catalogue;
  /** Absent for applications without an event store: the outbox then is the only history. */
  readonly history?: EventHistory | undefined;
}

/** What loading found out about a stream. */
export interface LoadedStream {
  /** False: no such stream, neither in the outbox nor in the event history. */
  readonly exists: boolean;
  /** True: only the event history knows it; the first commit takes it over. */
  readonly adopt: boolean;
}

/**
 * Rebuilds aggregates from the outbox's rows and the event history, without a hole.
 *
 * Reads the outbox first and the history second: an event that is delivered in between is then seen twice, never missed.
 */
export class AggregateRepository<Tx> {
  constructor(private readonly options: AggregateRepositoryOptions<Tx>) {}

  /**
   * Replays the stream's past into a new aggregate.
   *
   * @throws {@link StreamGapError} a revision is in neither of the two, also after asking the leader
   * @throws {@link StreamDivergedError} the two hold different events at one revision
   * @throws {@link UnknownMessageTypeError}, {@link InvalidPayloadError} an event cannot be brought to today's shape
   */
  async replay(aggregate: AggregateRoot, tx: Tx, signal?: AbortSignal): Promise<LoadedStream> {
    const { outbox, history } = this.options;
    const { stream } = aggregate;
    const from = await this.#restoreSnapshot(aggregate, tx);
    const { head, tail } = await outbox.headAndTail(stream, from, tx);

    if (history && needsHistory(from, head, tail[0]?.revision)) {
      const until = tail[0] ?? (head === undefined ? undefined : { revision: head, id: undefined });
      await this.#replayHistory(aggregate, history, { from, until, signal });
    }
    for (const { payload, ...message } of tail) this.#replayOne(aggregate, from, { ...message, json: JSON.parse(payload) }, head);

    const reached = aggregate.revision;
    if (head !== undefined && (reached ?? -1n) < head) throw this.#gap(stream, (reached ?? -1n) + 1n, head);
    return { exists: reached !== undefined, adopt: head === undefined && reached !== undefined };
  }

  async #restoreSnapshot(aggregate: AggregateRoot, tx: Tx): Promise<bigint> {
    if (!isSnapshotted(aggregate)) return 0n;
    const snapshot = await this.options.snapshots.load(aggregate.stream, aggregate.snapshotVersion, tx);
    if (!snapshot) return 0n;
    aggregate.fromSnapshot(JSON.parse(snapshot.state) as never);
    aggregate.replay(undefined, snapshot.revision);
    return snapshot.revision + 1n;
  }

  async #replayHistory(
    aggregate: AggregateRoot,
    history: EventHistory,
    {
      from,
      until,
      signal,
    }: { from: bigint; until: { revision: bigint; id: string | undefined } | undefined; signal: AbortSignal | undefined },
  ): Promise<void> {
    // A stream that the outbox has never had is taken over at its last revision: only the leader is sure to know that one.
    for (const leader of until ? [false, true] : [true]) {
      const next = (): bigint => (aggregate.revision ?? -1n) + 1n;
      if (until && leader && next() >= until.revision + (until.id === undefined ? 1n : 0n)) return; // a follower may lag: whoever still lacks events asks the leader
      for await (const message of history.read(aggregate.stream, { from: next(), leader, ...(signal && { signal }) })) {
        const { revision, id } = message;
        if (until?.id !== undefined && revision >= until.revision) {
          if (revision === until.revision && id !== until.id) throw new StreamDivergedError(aggregate.stream, revision, until.id, id);
          return;
        }
        // Past the head are commits that came after our look at the outbox, and foreign events: the commit or the sink will tell.
        if (until && revision > until.revision) return;
        this.#replayOne(aggregate, from, message, until?.revision);
      }
    }
  }

  #replayOne(aggregate: AggregateRoot, from: bigint, message: RecordedMessage, head: bigint | undefined): void {
    const expected = (aggregate.revision ?? from - 1n) + 1n;
    if (message.revision < expected) return;
    if (message.revision > expected) throw this.#gap(aggregate.stream, expected, head);
    const skipped = message.type === SKIPPED_TYPE;
    aggregate.replay(skipped ? undefined : this.options.catalogue.decode(message), message.revision);
  }

  #gap(stream: string, missing: bigint, head: bigint | undefined): StreamGapError {
    const { history } = this.options;
    return new StreamGapError(stream, missing, head, { outboxAlone: history === undefined || history instanceof OutboxHistory });
  }
}

/** Rows reach back to `from` where nothing was removed yet; then the event history has nothing to add. */
function needsHistory(from: bigint, head: bigint | undefined, firstOfTail: bigint | undefined): boolean {
  if (head === undefined) return true;
  return head >= from && firstOfTail !== from;
}
