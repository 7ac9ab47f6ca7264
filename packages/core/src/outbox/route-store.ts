import type { Selection } from './lane-store.js';

/** A route as the database remembers it. */
export interface StoredRoute {
  readonly name: string;
  readonly order: 'stream' | 'global';
  readonly selection: Selection;
  /** Where the route began: at the first row, or at the rows that were committed after it was first seen. */
  readonly start: 'beginning' | 'now';
}

/** Remembers which routes there are: their checkpoints hold back retention, and a new one must say where it begins. */
export interface RouteStore {
  find(name: string): Promise<StoredRoute | undefined>;

  /** Creates the route with its lanes, each at `start`; when it exists already, only its selection is replaced. Safe from several processes. */
  save(route: StoredRoute): Promise<void>;

  /** True while no message was ever committed. */
  outboxIsEmpty(): Promise<boolean>;
}
