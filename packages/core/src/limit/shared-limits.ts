/** What one caller asks for before it calls a target. At least one of `concurrency` and `rate` is set. */
export interface LimitRequest {
  /** Whose limit: one name, one limit, for every process on this database. */
  readonly name: string;
  /** The caller's own id of this permit, a UUID: to ask again with it is the same permit. */
  readonly permit: string;
  /** Most permits in use at once. */
  readonly concurrency?: number;
  /** A token bucket: `limit` calls each `perMs` milliseconds on the long run, and `burst` (default `limit`) at once after a pause. */
  readonly rate?: { readonly limit: number; readonly perMs: number; readonly burst?: number };
  /** After so many milliseconds the permit is free again, though nobody gave it back: its holder is gone. */
  readonly permitMs: number;
}

export type LimitAnswer =
  | { readonly granted: true }
  /** `waitMs`: when it is worth asking again; for a permit in use, when the first of them runs out at the latest. */
  | { readonly granted: false; readonly by: 'concurrency' | 'rate'; readonly waitMs: number };

/**
 * Limits that hold across processes, by the database's clock.
 *
 * Who asks with other numbers than others changes the limit for what is granted from then on; the bucket never holds more than the burst
 * of whoever asks.
 */
export interface SharedLimits {
  /**
   * Takes a permit, a token, or both; both or nothing. With a permit that is in use already it takes nothing more, and the permit's time begins
   * anew.
   *
   * @throws {@link InvalidOptionsError} a request that can never be granted
   */
  acquire(request: LimitRequest): Promise<LimitAnswer>;

  /** Gives a permit back. Idempotent; one that has run out, or that took only a token, is left alone. */
  release(name: string, permit: string): Promise<void>;
}
