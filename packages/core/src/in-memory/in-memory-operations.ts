import type { DeliveryStatus, MessagePlace, MessageProgress, StoredLane } from '../outbox/delivery-status.js';
import type { LaneAction, LaneActionRequest, LaneActions } from '../outbox/lane-action.js';
import type { LaneLease } from '../outbox/lane-lease.js';
import type { RouteStore, StoredRoute } from '../outbox/route-store.js';
import { selects } from '../outbox/selects.js';
import { checkpointAt, laneKey, passedOf } from './in-memory-lanes.js';
import type { CommittedRow, InMemoryState, StoredLaneRow } from './in-memory-state.js';

const MOST_COUNTED = 10_001;

export class InMemoryRoutes implements RouteStore {
  constructor(private readonly state: InMemoryState) {}

  find(name: string): Promise<StoredRoute | undefined> {
    return Promise.resolve(this.state.routes.get(name));
  }

  save(route: StoredRoute): Promise<void> {
    const { routes, lanes, rows, rowsByLane, laneCount } = this.state;
    const known = routes.get(route.name);
    routes.set(route.name, known ? { ...known, selection: route.selection } : route);
    if (known) return Promise.resolve();
    for (let lane = 0; lane < (route.order === 'global' ? 1 : laneCount); lane++) {
      const passed = route.start === 'beginning' ? 0 : route.order === 'global' ? rows.length : rowsByLane[lane]!.length;
      const progress = { checkpoint: checkpointAt(passed), state: 'running', failure: undefined } as const;
      lanes.set(laneKey(route.name, lane), {
        route: route.name,
        lane,
        progress,
        owner: undefined,
        epoch: 0n,
        leaseUntil: new Date(0),
        released: true,
      });
    }
    return Promise.resolve();
  }

  outboxIsEmpty(): Promise<boolean> {
    return Promise.resolve(this.state.heads.size === 0);
  }
}

export class InMemoryActions implements LaneActions {
  constructor(private readonly state: InMemoryState) {}

  request(action: LaneActionRequest): Promise<void> {
    const { actions, clock } = this.state;
    actions.push({ ...action, id: String(actions.length + 1), requestedAt: clock.now() });
    return Promise.resolve();
  }

  due(leases: readonly LaneLease[]): Promise<readonly LaneAction[]> {
    return Promise.resolve(
      this.state.actions.filter(
        ({ executed, route, lane }) => !executed && leases.some((lease) => lease.route === route && lease.lane === lane),
      ),
    );
  }
}

export class InMemoryStatus implements DeliveryStatus {
  constructor(private readonly state: InMemoryState) {}

  progress(route: string, messages: readonly MessagePlace[]): Promise<readonly MessageProgress[]> {
    const order = this.state.routes.get(route)?.order;
    const skipped = new Set(
      this.state.actions.flatMap((action) =>
        action.route === route && action.kind === 'skip' && action.executed?.outcome === 'done' ? action.messageId : [],
      ),
    );
    const rows = messages.flatMap(
      ({ stream, revision }) => this.state.rowsByStream.get(stream)?.find((row) => row.revision === revision) ?? [],
    );
    return Promise.resolve(
      rows.map(({ id, stream, revision, type, kind, lane, index, laneIndex }) => {
        const stored = this.state.lanes.get(laneKey(route, order === 'global' ? 0 : lane));
        const passed = stored !== undefined && passedOf(stored.progress.checkpoint) > (order === 'global' ? index : laneIndex);
        return { stream, revision, type, kind, lane, passed, skipped: skipped.has(id) };
      }),
    );
  }

  lanes(): Promise<readonly StoredLane[]> {
    const now = this.state.clock.now();
    return Promise.resolve(
      [...this.state.lanes.values()].map((stored) => {
        const pending = this.#pending(stored);
        const owner = stored.leaseUntil > now ? stored.owner : undefined;
        const { state, failure } = stored.progress;
        return {
          route: stored.route,
          lane: stored.lane,
          state,
          failure,
          owner,
          epoch: stored.epoch,
          pending: pending.length,
          oldestAt: pending[0]?.recordedAt,
        };
      }),
    );
  }

  #pending({ route, lane, progress }: StoredLaneRow): readonly CommittedRow[] {
    const { order, selection } = this.state.routes.get(route)!;
    const log = order === 'global' ? this.state.rows : this.state.rowsByLane[lane]!;
    return log
      .slice(passedOf(progress.checkpoint))
      .filter((row) => selects(selection, row))
      .slice(0, MOST_COUNTED);
  }
}
