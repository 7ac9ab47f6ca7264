import type { Clock } from '../../clock.js';
import type { DispatchStores } from '../../database.js';
import type { LaneStore } from '../../outbox/lane-store.js';
import type { LeaseHold } from '../../lease-hold.js';

/** Longer than any read or write of a lane takes. */
const MUTE_AFTER_MS = 60_000;

/**
 * What a lane works with. It lets go of its lease where a call is not answered: a write that arrives after all is then fenced, and cannot undo a
 * later one.
 */
export function answering(stores: DispatchStores, hold: LeaseHold, clock: Clock): DispatchStores {
  const unlessMute = async <Answer>(answer: Promise<Answer>): Promise<Answer> => {
    const cancel = clock.after(MUTE_AFTER_MS, () => hold.lose());
    try {
      return await answer;
    } finally {
      cancel();
    }
  };
  const lanes: LaneStore = {
    read: (options) => unlessMute(stores.lanes.read(options)),
    readTail: (options) => unlessMute(stores.lanes.readTail(options)),
    stopped: (lease) => unlessMute(stores.lanes.stopped(lease)),
    delivered: (route, streams) => unlessMute(stores.lanes.delivered(route, streams)),
    settle: (lease, settlement) => unlessMute(stores.lanes.settle(lease, settlement)),
  };
  return Object.create(stores, { lanes: { value: lanes } }) as DispatchStores;
}
