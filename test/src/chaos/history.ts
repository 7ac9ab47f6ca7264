import type { LoggedDelivery } from './acceptance-log.js';

/** A message at its place. */
export interface Placed {
  readonly id: string;
  readonly stream: string;
  readonly revision: number;
  readonly text: string;
}

/** One unit of work, as its caller saw it end. */
export interface Attempt {
  /** Of its messages; no two attempts share one. */
  readonly texts: readonly string[];
  readonly outcome: 'committed' | 'rolled-back' | 'unknown';
  /** From the receipt, if there was one. */
  readonly messages: readonly Omit<Placed, 'text'>[];
}

/** All that is known of a run once it is over. */
export interface History {
  readonly attempts: readonly Attempt[];
  /** The outbox's rows as they were read after the last commit: where an attempt's outcome is unknown, they tell. */
  readonly rows: readonly Placed[];
  /** What the log took, in that order. */
  readonly deliveries: readonly LoggedDelivery[];
  /** EventStoreDB's streams, with the ids of their events from revision 0 on. */
  readonly stored: ReadonlyMap<string, readonly string[]>;
  readonly batchSize: number;
}

export type BrokenPromise = 'commit' | 'lost' | 'never committed' | 'overtaken' | 'another id' | 'doubled' | 'two holders' | 'EventStoreDB';

export interface Violation {
  readonly promise: BrokenPromise;
  readonly what: string;
  /** Whose story shows it. */
  readonly stream: string;
}

export interface Verdict {
  readonly violations: readonly Violation[];
  readonly committed: number;
  readonly rolledBack: number;
  /** Attempts whose outcome was not known and had to be looked up. */
  readonly unknown: number;
  readonly accepted: number;
  /** Messages that the log took once more, all of them within the window if nothing is violated. */
  readonly duplicates: number;
  /** Batches of holders that had lost their lane, which arrived all the same. */
  readonly late: number;
  /** How often a lane changed its holder. */
  readonly takeOvers: number;
}
