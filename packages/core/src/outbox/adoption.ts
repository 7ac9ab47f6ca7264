/**
 * What {@link Database.adopt} adds to every lane's epoch, and to the one that new lanes begin behind: a backup may be older than the last
 * leases of what was lost, and a receiver refuses whatever comes under an epoch that is lower than one it has seen.
 */
export const ADOPTED_EPOCH_STEP = 1_000_000n;

/** What {@link Database.adopt} found, for a person to read. */
export interface Adoption {
  /** The outbox's new id: witnesses begin anew with it. */
  readonly outboxId: string;
  /** Its id until now. */
  readonly previousId: string;
  /** By name; routes that were retired are left out. */
  readonly routes: readonly AdoptedRoute[];
}

export interface AdoptedRoute {
  readonly route: string;
  /** Messages that the route selects and that this copy does not know to be delivered: they will be. Those of stopped streams are not counted. */
  readonly pending: number;
  /** Streams that stay stopped. */
  readonly stopped: number;
}
