import type { LoggedDelivery, LoggedMessage } from './acceptance-log.js';
import type { BrokenPromise, History, Placed, Verdict, Violation } from './history.js';

interface Lane {
  /** The newest epoch that delivered. */
  epoch: number;
  /** Messages that were accepted for the first time so far. */
  fresh: number;
  readonly holders: Map<number, string>;
  /** Epochs of former holders of which a batch has come late. */
  readonly late: Set<number>;
}

/**
 * Checks a run against what is promised, from outside: only what was committed, and what the targets have, in which order.
 *
 * A message may be accepted again, under the same id, within the **in-flight window**. A holder sends a lane's next batch when the one
 * before is recorded, so at most one batch is open, and its next holder repeats no more than that. Behind a message that comes again fewer
 * than two batches of its lane may have been accepted for the first time: the open one, and another of late commits that got between.
 * A holder that was frozen in the midst of a call may wake up after that: of each former holder one batch a lane may come, and no more.
 */
export function checkHistory(history: History): Verdict {
  return new HistoryChecker(history).verdict();
}

class HistoryChecker {
  readonly #violations: Violation[] = [];
  readonly #committed = new Map<string, Placed>();
  readonly #streams = new Map<string, Placed[]>();
  readonly #rolledBack: ReadonlySet<string>;
  readonly #lanes = new Map<number, Lane>();
  /** How many messages of the lane were fresh when the message was accepted for the first time. */
  readonly #firstAt = new Map<string, number>();
  readonly #reached = new Map<string, number>();
  #duplicates = 0;
  #takeOvers = 0;

  constructor(private readonly history: History) {
    const { attempts, rows } = history;
    this.#rolledBack = new Set(attempts.filter(({ outcome }) => outcome === 'rolled-back').flatMap(({ texts }) => texts));
    for (const row of rows) {
      this.#committed.set(row.id, row);
      this.#streams.set(row.stream, [...(this.#streams.get(row.stream) ?? []), row]);
    }
  }

  verdict(): Verdict {
    this.#checkCommits();
    for (const delivery of this.history.deliveries) this.#checkDelivery(delivery);
    this.#checkLosses();
    this.#checkEventStoreDB();
    const count = (outcome: string): number => this.history.attempts.filter((attempt) => attempt.outcome === outcome).length;
    return {
      violations: this.#violations,
      committed: this.#committed.size,
      rolledBack: count('rolled-back'),
      unknown: count('unknown'),
      accepted: this.#firstAt.size,
      duplicates: this.#duplicates,
      late: [...this.#lanes.values()].reduce((sum, { late }) => sum + late.size, 0),
      takeOvers: this.#takeOvers,
    };
  }

  /** What callers were told is what the database has. */
  #checkCommits(): void {
    for (const { messages } of this.history.attempts) {
      for (const { id, stream, revision } of messages) {
        const row = this.#committed.get(id);
        if (!row) this.#broken('commit', stream, `revision ${revision} was confirmed, and is not in the database`);
        else if (row.revision !== revision)
          this.#broken('commit', stream, `revision ${revision} was confirmed, and is at ${row.revision} in the database`);
      }
    }
    for (const [stream, rows] of this.#streams) {
      for (const [nth, { revision, text }] of rows.entries()) {
        if (revision !== nth) this.#broken('commit', stream, `revision ${revision} stands in the database where ${nth} was to be expected`);
        if (this.#rolledBack.has(text)) this.#broken('commit', stream, `"${text}" was said to be rolled back, and is in the database`);
      }
    }
  }

  #checkDelivery({ instance, lane: number, epoch, messages }: LoggedDelivery): void {
    const lane = this.#lane(number, epoch);
    const holder = lane.holders.get(epoch);
    if (holder !== undefined && holder !== instance)
      this.#broken('two holders', messages[0]!.stream, `lane ${number} was delivered by ${holder} and ${instance} in epoch ${epoch}`);
    lane.holders.set(epoch, instance);

    const isLate = epoch < lane.epoch;
    if (isLate && lane.late.has(epoch))
      this.#broken('doubled', messages[0]!.stream, `${instance} delivered lane ${number} more than once after it had lost it`);
    if (isLate) lane.late.add(epoch);
    if (epoch > lane.epoch) this.#takeOvers++;
    lane.epoch = Math.max(lane.epoch, epoch);
    for (const message of messages) this.#checkMessage(message, lane, isLate);
  }

  #checkMessage(message: LoggedMessage, lane: Lane, isLate: boolean): void {
    const { id, stream, revision, text } = message;
    const row = this.#committed.get(id);
    const first = this.#firstAt.get(id);
    if (!row) {
      const known = this.#streams.get(stream)?.[revision];
      if (known) this.#broken('another id', stream, `revision ${revision} came as ${id}, and is ${known.id}`);
      else
        this.#broken(
          'never committed',
          stream,
          `revision ${revision}, "${text}", was delivered${this.#rolledBack.has(text) ? ' and rolled back' : ''}`,
        );
      return;
    }
    if (row.stream !== stream || row.revision !== revision || row.text !== text)
      this.#broken('another id', stream, `${id} came as revision ${revision}, and is ${row.stream} ${row.revision}`);
    if (first === undefined) return this.#accept(row, lane);

    this.#duplicates++;
    const since = lane.fresh - first;
    if (!isLate && since >= 2 * this.history.batchSize)
      this.#broken('doubled', stream, `revision ${revision} came again after ${since} other messages of its lane`);
  }

  #accept({ id, stream, revision }: Placed, lane: Lane): void {
    const expected = this.#reached.get(stream) ?? 0;
    if (revision !== expected) this.#broken('overtaken', stream, `revision ${revision} was accepted when ${expected} was to come`);
    this.#reached.set(stream, Math.max(expected, revision + 1));
    this.#firstAt.set(id, ++lane.fresh);
  }

  #checkLosses(): void {
    for (const { id, stream, revision } of this.#committed.values()) {
      if (!this.#firstAt.has(id)) this.#broken('lost', stream, `revision ${revision} was committed, and the log never got it`);
    }
  }

  #checkEventStoreDB(): void {
    for (const [stream, rows] of this.#streams) {
      const stored = this.history.stored.get(stream) ?? [];
      for (const { id, revision } of rows) {
        if (stored[revision] === id) continue;
        this.#broken('EventStoreDB', stream, `revision ${revision} is ${id}, and EventStoreDB has ${stored[revision] ?? 'nothing'} there`);
      }
      if (stored.length > rows.length)
        this.#broken('EventStoreDB', stream, `${rows.length} events were committed, and EventStoreDB has ${stored.length}`);
    }
    for (const stream of this.history.stored.keys()) {
      if (!this.#streams.has(stream)) this.#broken('EventStoreDB', stream, 'it has a stream that was never committed');
    }
  }

  #lane(number: number, epoch: number): Lane {
    const lane = this.#lanes.get(number) ?? { epoch, fresh: 0, holders: new Map(), late: new Set() };
    this.#lanes.set(number, lane);
    return lane;
  }

  #broken(promise: BrokenPromise, stream: string, what: string): void {
    this.#violations.push({ promise, stream, what });
  }
}
