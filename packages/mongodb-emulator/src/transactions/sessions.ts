import type { Binary, Document } from 'bson';
import { CODES, ServerError } from '../server-error.js';
import type { Tick } from '../store/cluster-time.js';
import type { Store } from '../store/store.js';
import { Session } from './session.js';

const MOST_SESSIONS = 100_000;
const MOST_ENDED_SESSIONS = 10_000;

/** The sessions that clients have used, by their ids. */
export class Sessions {
  readonly #sessions = new Map<string, Session>();
  readonly #ended = new Set<string>();

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

  /** Aborts what the session has open. It can be used again. */
  abortTransactionOf(lsid: Document): void {
    this.#sessions.get(idOf(lsid))?.abortTransaction();
  }

  /** As {@link abortTransactionOf}; what the session has done is remembered for a while, as some retry may be late. */
  end(lsid: Document): void {
    this.abortTransactionOf(lsid);
    const id = idOf(lsid);
    if (this.#sessions.has(id)) this.#ended.add(id);
    for (const oldest of this.#ended) {
      if (this.#ended.size <= MOST_ENDED_SESSIONS) break;
      this.#ended.delete(oldest);
      this.#sessions.delete(oldest);
    }
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
