/** A projection that follows, and its generations: each is written by a subscription of its own, into tables of its own. */
export interface StoredProjection {
  readonly projection: string;
  /** The generation that is read. */
  readonly live: number;
  /** The one that is built beside it; `undefined`: none is. */
  readonly rebuilding: number | undefined;
  readonly switchedAt: Date | undefined;
}

/** Which generation of a projection is live. */
export interface ProjectionStore<Tx> {
  /** Makes it known, with generation 1 live, unless it is. Idempotent, safe from several processes at once. */
  register(projection: string): Promise<StoredProjection>;

  /** As it is now, or as `tx` sees it. */
  find(projection: string, tx?: NoInfer<Tx>): Promise<StoredProjection | undefined>;

  /** By name. */
  all(): Promise<readonly StoredProjection[]>;

  /**
   * Begins a new generation beside the live one: a number that this projection never had. While one is being built it is that one, again.
   *
   * @throws {@link InvalidOptionsError} there is no such projection
   */
  beginRebuild(projection: string): Promise<StoredProjection>;

  /** Makes the generation live inside `tx`. @returns false when it is not the one that is being built (any more); nothing was changed */
  switchTo(projection: string, generation: number, tx: Tx): Promise<boolean>;

  /** Gives up the generation that is being built, inside `tx`. @returns false when it is not the one */
  abandon(projection: string, generation: number, tx: Tx): Promise<boolean>;
}
