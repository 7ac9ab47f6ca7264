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
