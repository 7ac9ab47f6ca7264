import type { Tick } from '../store/cluster-time.js';
import type { Isolation } from '../store/isolation.js';

interface StatementRecord {
  readonly result: unknown;
  readonly at: Tick;
}

/** What the statements of a session's latest retryable write did: a statement that comes again is not executed again. */
export class StatementRecords {
  readonly #records = new Map<number, StatementRecord>();

  constructor(private readonly isolation: Isolation) {}

  /** The result of the statement's first run; undefined if there was none that wrote anything. */
  resultOf(statement: number): unknown {
    if (!this.isolation.answersFromRecord(statement)) return undefined;
    return this.#records.get(statement)?.result;
  }

  /** Statements that fail, or change nothing, are not recorded: they run again. */
  record(statement: number, result: unknown, at: Tick): void {
    this.#records.set(statement, { result, at });
  }

  forgetAfter(to: Tick): void {
    for (const [statement, { at }] of this.#records) if (at > to) this.#records.delete(statement);
  }
}
