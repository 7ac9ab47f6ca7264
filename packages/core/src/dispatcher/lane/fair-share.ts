import { streamHash } from '../../outbox/stream-hash.js';

/**
 * How many of a route's lanes one instance should hold, so that all are shared out and no two shares differ by more than one.
 *
 * Each instance computes it for itself from the same list. Who gets one more is drawn by route and instance (rendezvous hashing): else one
 * instance would hold the only lane of every route with `order: 'global'`; and who comes or goes moves as few lanes as possible.
 *
 * @param alive - ids of all instances that are alive
 */
export function fairShare({ lanes, route, alive, mine }: FairShareOptions): number {
  if (!alive.includes(mine)) return 0;
  const draw = (id: string): number => streamHash(`${route} ${id}`);
  const [share, rest] = [Math.floor(lanes / alive.length), lanes % alive.length];
  const before = alive.filter((id) => draw(id) < draw(mine) || (draw(id) === draw(mine) && id < mine)).length;
  return before < rest ? share + 1 : share;
}

export interface FairShareOptions {
  readonly lanes: number;
  readonly route: string;
  readonly alive: readonly string[];
  readonly mine: string;
}
