import type { LaneAction, LaneActionRequest, LaneActions, RecordedAction } from '../outbox/lane-action.js';
import type { LaneLease } from '../outbox/lane-lease.js';
import type { InMemoryState } from './in-memory-state.js';

export class InMemoryActions implements LaneActions {
  constructor(private readonly state: InMemoryState) {}

  request(action: LaneActionRequest): Promise<void> {
    this.state.actions.push({ ...action, id: this.state.nextId(), requestedAt: this.state.clock.now() });
    return Promise.resolve();
  }

  due(leases: readonly LaneLease[]): Promise<readonly LaneAction[]> {
    return Promise.resolve(
      this.state.actions.filter(isOpen).filter(({ route, lane }) => leases.some((lease) => lease.route === route && lease.lane === lane)),
    );
  }

  recorded(route: string, most: number): Promise<readonly RecordedAction[]> {
    const ofRoute = this.state.actions.filter((action) => action.route === route);
    return Promise.resolve(ofRoute.reverse().slice(0, most));
  }
}

const isOpen = (action: RecordedAction): action is LaneAction => action.executedAt === undefined && action.kind !== 'discard';
