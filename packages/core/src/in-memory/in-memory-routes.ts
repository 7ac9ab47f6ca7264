import type { RouteStore, StoredRoute } from '../outbox/route-store.js';
import { checkpointAt, laneKey, logOf } from './in-memory-place.js';
import type { InMemoryState, StoredLaneRow } from './in-memory-state.js';

export class InMemoryRoutes implements RouteStore {
  constructor(private readonly state: InMemoryState) {}

  find(name: string): Promise<StoredRoute | undefined> {
    return Promise.resolve(this.state.routes.get(name));
  }

  all(): Promise<readonly StoredRoute[]> {
    return Promise.resolve([...this.state.routes.values()].sort((a, b) => (a.name < b.name ? -1 : 1)));
  }

  save({ name, order, selection, start }: StoredRoute): Promise<void> {
    const known = this.state.routes.get(name);
    if (known && !known.retiredAt) this.state.routes.set(name, { ...known, selection });
    else {
      this.state.routes.set(name, { name, order, selection, start });
      this.#makeLanes({ name, order, selection, start });
    }
    return Promise.resolve();
  }

  retire(name: string): Promise<void> {
    const route = this.state.routes.get(name);
    if (!route || route.retiredAt) return Promise.resolve();
    this.state.routes.set(name, { ...route, retiredAt: this.state.clock.now() });
    for (const { lane } of this.#lanesOf(name)) this.state.lanes.delete(laneKey(name, lane));
    this.state.delivered.delete(name);
    this.state.actions = this.state.actions.filter((action) => action.route !== name || action.executedAt);
    return Promise.resolve();
  }

  rename(name: string, to: string): Promise<boolean> {
    const { routes, lanes, delivered, clock } = this.state;
    const route = routes.get(name);
    const ofRoute = this.#lanesOf(name);
    const held = ofRoute.some(({ released, leaseUntil }) => !released && leaseUntil > clock.now());
    if (!route || route.retiredAt || held || routes.has(to)) return Promise.resolve(false);

    routes.delete(name);
    routes.set(to, { ...route, name: to });
    for (const lane of ofRoute) {
      lanes.delete(laneKey(name, lane.lane));
      lanes.set(laneKey(to, lane.lane), { ...lane, route: to });
    }
    delivered.set(to, delivered.get(name) ?? new Map<string, bigint>());
    delivered.delete(name);
    this.state.actions = this.state.actions.map((action) => (action.route === name ? { ...action, route: to } : action));
    const lines = [...this.state.history.values()];
    this.state.history.clear();
    for (const line of lines) this.state.addToHistory(line.route === name ? { ...line, route: to } : line);
    return Promise.resolve(true);
  }

  outbox(): Promise<{ readonly empty: boolean; readonly removed: boolean }> {
    return Promise.resolve({ empty: this.state.heads.size === 0, removed: this.state.rowsWereRemoved });
  }

  #makeLanes({ name, order, start }: StoredRoute): void {
    for (let lane = 0; lane < (order === 'global' ? 1 : this.state.laneCount); lane++) {
      const passed = start === 'beginning' ? 0 : logOf(this.state, order, lane).length;
      this.state.lanes.set(laneKey(name, lane), {
        ...{ route: name, lane, owner: undefined, epoch: 0n, leaseUntil: new Date(0), released: true },
        progress: { checkpoint: checkpointAt(passed), state: 'running', failure: undefined, suspects: 0 },
        stopped: new Map(),
      });
    }
  }

  #lanesOf(route: string): readonly StoredLaneRow[] {
    return [...this.state.lanes.values()].filter((lane) => lane.route === route);
  }
}
