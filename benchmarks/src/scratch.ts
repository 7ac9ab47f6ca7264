import type { Shop, ShopOptions } from './shop.js';

/** What is expected of one kind of database. */
export interface Targets {
  /** Ours to the yardsticks; absent where a figure only tells what our own code costs. */
  readonly commit: { readonly toByHand?: number; readonly toNaive: number };
  readonly drainPerSecond: number;
  /** The rate, and what half and one in a hundred of the messages may exceed. */
  readonly latency: { readonly perSecond: number; readonly p50Ms: number; readonly p99Ms?: number };
}

/** The databases of one section of the run, on the run's server; gone at its end. */
export interface Scratch<Tx> {
  readonly targets: Targets;
  /** How a naive outbox is called here, and the hint that wakes another process. */
  readonly words: { readonly naive: string; readonly wokenBy: string; readonly sent: string };
  shop(options?: ShopOptions): Promise<Shop<Tx>>;
}
