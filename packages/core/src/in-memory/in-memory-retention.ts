import { messageOfClaim } from '../inbox/claim-of-arrival.js';
import type { RemoveOptions, Retention } from '../outbox/retention.js';
import { laneRowOf, standing } from './in-memory-place.js';
import type { CommittedRow, InMemoryState } from './in-memory-state.js';

export class InMemoryRetention implements Retention {
  constructor(private readonly state: InMemoryState) {}

  removeMessages({ olderThanMs, most }: RemoveOptions): Promise<number> {
    const before = this.#ago(olderThanMs);
    const routes = [...this.state.routes.values()].flatMap(({ name, retiredAt }) => (retiredAt ? [] : [name]));
    if (routes.length === 0) return Promise.resolve(0);

    let removed = 0;
    const blocked = new Set<string>();
    for (const row of this.state.rows) {
      if (removed === most) break;
      if (!row || blocked.has(row.stream)) continue;
      if (row.recordedAt > before || !routes.every((route) => this.#isDone(route, row))) {
        blocked.add(row.stream); // nothing behind a row that stays may go
        continue;
      }
      this.state.removeFirst(row.stream);
      removed++;
    }
    return Promise.resolve(removed);
  }

  removeClaims({ olderThanMs, most }: RemoveOptions): Promise<number> {
    const [before, byAge] = [this.#ago(olderThanMs), olderThanMs !== Infinity];
    const there = new Set(this.state.rows.flatMap((row) => row?.id ?? []));
    const gone = [...this.state.claims].filter(([, { lane, messageId, firstAttemptAt }]) =>
      lane && this.state.routes.has(lane.route) ? !there.has(messageOfClaim(messageId)) : byAge && firstAttemptAt <= before,
    );
    for (const [key] of gone.slice(0, most)) this.state.claims.delete(key);
    return Promise.resolve(Math.min(gone.length, most));
  }

  removeHistory({ olderThanMs, most }: RemoveOptions): Promise<number> {
    const before = this.#ago(olderThanMs);
    const old = [...this.state.history].filter(([, { recordedAt }]) => recordedAt <= before).slice(0, most);
    for (const [key] of old) this.state.history.delete(key);
    return Promise.resolve(old.length);
  }

  #isDone(route: string, row: CommittedRow): boolean {
    const lane = laneRowOf(this.state, route, row);
    if (!lane) return false;
    const { passed, stopped } = standing(this.state, lane, row);
    return passed && !stopped;
  }

  #ago(ms: number): Date {
    return new Date(this.state.clock.now().getTime() - ms);
  }
}
