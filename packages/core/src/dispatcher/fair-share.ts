import { streamHash } from '../outbox/stream-hash.js';

/**
 * How many of a route's lanes one instance should hold, so that all are shared out and no two shares differ by more than one.
 *
 * Each instance computes it for itself from the same list. Who gets one more depends on the route: otherwise the same instance would
 * hold the one lane of every route with `order: 'global'`.
 *
 * @param alive - ids of all instances that are alive, in an order on which they agree
 */
export function fairShare({ lanes, route, alive, mine }: FairShareOptions): number {
  const rank = alive.indexOf(mine);
  if (rank < 0) return 0;
  const turned = (rank + streamHash(route)) % alive.length;
  return Math.floor(lanes / alive.length) + (turned < lanes % alive.length ? 1 : 0);
}

export interface FairShareOptions {
  readonly lanes: number;
  readonly route: string;
  readonly alive: readonly string[];
  readonly mine: string;
}
