import { ADOPTED_EPOCH_STEP } from '../outbox/adoption.js';
import type { Adoption } from '../outbox/adoption.js';
import type { StoredLane } from '../outbox/delivery-status.js';
import type { InMemoryIdentity } from './in-memory-identity.js';
import type { InMemoryState } from './in-memory-state.js';

/** Ends every lease and begins a new identity; lanes stay where they are. */
export function adoptInMemory(state: InMemoryState, identity: InMemoryIdentity, lanes: readonly StoredLane[]): Adoption {
  state.skipEpochs(ADOPTED_EPOCH_STEP);
  for (const lane of state.lanes.values()) Object.assign(lane, { owner: undefined, released: true, epoch: state.nextEpoch() });
  const routes = [...new Set(lanes.map(({ route }) => route))].sort().map((route) => {
    const ofRoute = lanes.filter((lane) => lane.route === route);
    const sum = (count: (lane: StoredLane) => number): number => ofRoute.reduce((total, lane) => total + count(lane), 0);
    return { route, pending: sum(({ pending }) => pending), stopped: sum(({ stopped }) => stopped) };
  });
  return { ...identity.adopt(), routes };
}
