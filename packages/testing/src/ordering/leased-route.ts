import { randomUUID } from 'node:crypto';
import { laneOf, streamHash } from '@waybill/core';
import type { Checkpoint, Database, LaneGrant, LaneLease, LaneStore, OutboxRow, Selection, Settlement, StoredRoute } from '@waybill/core';
import { aSettlement } from '../builders/a-settlement.js';
import { eventually } from '../builders/waiting.js';

/** A route whose lanes one reader holds, each at its stored place. */
export interface LeasedRoute {
  readonly name: string;
  readonly order: 'stream' | 'global';
  readonly selection: Selection;
  readonly lanes: LaneStore;
  readonly held: readonly HeldLane[];
}

export interface HeldLane {
  readonly lease: LaneLease;
  readonly takenOver: boolean;
  checkpoint: Checkpoint;
}

export interface LeaseRouteOptions extends Partial<StoredRoute> {
  /** Name of the reader. Default `reader`. */
  readonly owner?: string;
  /** Default a minute: longer than a test. */
  readonly leaseMs?: number;
}

/** Registers a route (a new one that begins now, unless told otherwise) and leases every lane of it that nobody holds. */
export async function leaseRoute(
  { routes, leases, lanes }: Pick<Database, 'routes' | 'leases' | 'lanes'>,
  {
    name = `route-${randomUUID()}`,
    order = 'stream',
    selection = {},
    start = 'now',
    owner = 'reader',
    leaseMs = 60_000,
  }: LeaseRouteOptions = {},
): Promise<LeasedRoute> {
  await routes.save({ name, order, selection, start });
  const grants = await leases.acquire({ route: name, owner, leaseMs, most: Number.MAX_SAFE_INTEGER });
  return { name, order, selection, lanes, held: grants.map(heldLane) };
}

/** Reads every held lane to its end and settles each page: what a dispatcher does whose sink accepts everything. */
export async function deliverAll(route: LeasedRoute, pageSize = 100): Promise<readonly OutboxRow[]> {
  const delivered: OutboxRow[] = [];
  for (const lane of route.held) {
    for (let more = true; more;) {
      const page = await readNext(route, lane, pageSize);
      delivered.push(...page.rows);
      lane.checkpoint = page.through;
      more = page.rows.length > 0;
      if (more) await settleLane(route, lane);
    }
  }
  return delivered;
}

/** The page after a lane's place; delivers and settles nothing. */
export function readNext(
  { name, order, selection, lanes }: LeasedRoute,
  { lease, checkpoint }: HeldLane,
  limit = 100,
): ReturnType<LaneStore['read']> {
  return lanes.read({ route: name, lane: lease.lane, order, selection, after: checkpoint, limit });
}

/** Settles a lane at its place, running, unless the settlement says otherwise. */
export async function settleLane({ lanes }: LeasedRoute, lane: HeldLane, settlement: Partial<Settlement> = {}): Promise<void> {
  await lanes.settle(lane.lease, aSettlement(lane.checkpoint, settlement));
  if (settlement.checkpoint) lane.checkpoint = settlement.checkpoint;
}

/** The lane of a route, all of whose lanes are held, that a stream is on. */
export function laneOfStream({ order, held }: LeasedRoute, stream: string): HeldLane {
  const number = order === 'global' ? 0 : laneOf(streamHash(stream), held.length);
  return held.find(({ lease }) => lease.lane === number)!;
}

/** Another reader takes the route's lanes as soon as their leases have expired, as after a crash. */
export function takeOver(
  database: Pick<Database, 'routes' | 'leases' | 'lanes'>,
  { name, order, selection }: LeasedRoute,
): Promise<LeasedRoute> {
  return eventually('the leases expiring', async () => {
    const heir = await leaseRoute(database, { name, order, selection, owner: 'heir' });
    return heir.held.length > 0 ? heir : undefined;
  });
}

const heldLane = ({ lease, progress, takenOver }: LaneGrant): HeldLane => ({ lease, takenOver, checkpoint: progress.checkpoint });
