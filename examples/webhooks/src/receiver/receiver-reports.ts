/** What a receiver process is told when it starts. */
export interface ReceiverOrder {
  readonly mongodb: string;
  /** Name of its MongoDB database. */
  readonly database: string;
  /** 0: any that is free. */
  readonly port: number;
  /** The keys that it knows: a signature by any of them will do. */
  readonly secrets: readonly string[];
  readonly way: WayOfTaking;
}

export type WayOfTaking = 'handle now' | 'accept';

/** What came of the requests of one process so far. */
export interface Count {
  readonly taken: number;
  /** Came again, and were known. */
  readonly duplicates: number;
  /** Were not taken, for whatever reason, and come again. */
  readonly failed: number;
}

/** What it tells while it runs: once that it listens, and every now and then how far it is. */
export type ReceiverReport = { readonly kind: 'listening'; readonly port: number } | ({ readonly kind: 'count' } & Count);
