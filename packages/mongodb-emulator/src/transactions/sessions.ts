import type { Binary, Document } from 'bson';
import { CODES, ServerError } from '../server-error.js';
import type { Tick } from '../store/cluster-time.js';
import type { Store } from '../store/store.js';
import { Session } from './session.js';

const MOST_SESSIONS = 100_000;

/** The sessions that clients have used, by their ids. */
export class Sessions {
  readonly #sessions = new Map<string, Session>();

  constructor(
    private readonly store: Store,
    private readonly lifetimeMs: number,
  ) {}

  /** The session of this id, made if it is new. */
  of(lsid: Document): Session {
    const id = idOf(lsid);
    const known = this.#sessions.get(id);
    if (known) return known;
    if (this.#sessions.size >= MOST_SESSIONS) throw new ServerError(CODES.TooManyLogicalSessions, 'cannot add session into the cache');
    const session = new Session(lsid, this.store, this.lifetimeMs);
    this.#sessions.set(id, session);
    return session;
  }

  /** Aborts what the session has open and forgets it. */
  end(lsid: Document): void {
    const id = idOf(lsid);
    this.#sessions.get(id)?.abortTransaction();
    this.#sessions.delete(id);
  }

  abortTransactions(): void {
    for (const session of this.#sessions.values()) session.abortTransaction();
  }

  fallBackTo(to: Tick): void {
    for (const session of this.#sessions.values()) session.fallBackTo(to);
  }
}

/** A session's id as text. */
export function idOf({ id }: Document): string {
  return (id as Binary).toString('hex');
}
