import type { Selection } from './lane-store.js';

/** A route as the database remembers it. */
export interface StoredRoute {
  readonly name: string;
  readonly order: 'stream' | 'global';
  readonly selection: Selection;
  /** Where the route began: at the first row, or at the rows that were committed after it was first seen. */
  readonly start: 'beginning' | 'now';
  /** Set by {@link RouteStore.retire}: it holds back no removal any more. */
  readonly retiredAt?: Date;
}

/** Remembers which routes there are: their checkpoints hold back retention, and a new one must say where it begins. */
export interface RouteStore {
  /** As it was saved; a retired one too, with `retiredAt`. */
  find(name: string): Promise<StoredRoute | undefined>;

  /** Every route that was ever saved, retired ones too, by name. */
  all(): Promise<readonly StoredRoute[]>;

  /** Creates the route with its lanes, each at `start`; when it exists already, only its selection is replaced. Safe from several processes. */
  save(route: StoredRoute): Promise<void>;

  /** Ends a route: nobody needs its messages any more. Its lanes, stopped streams and open orders go. Idempotent. A later `save` makes it anew. */
  retire(name: string): Promise<void>;

  /**
   * Goes on under another name, with every lane, stopped stream and order.
   *
   * @returns false when there is no such route, it was retired, somebody holds one of its lanes, or the new name is taken: nothing was changed
   */
  rename(name: string, to: string): Promise<boolean>;

  /** `empty`: no message was ever committed. `removed`: retention has removed some. */
  outbox(): Promise<{ readonly empty: boolean; readonly removed: boolean }>;
}
