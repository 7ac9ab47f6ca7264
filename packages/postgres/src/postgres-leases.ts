import type { AcquireOptions, LaneGrant, LaneLease, LaneLeases, LaneState } from '@waybill/core';
import { failureColumns, laneFailureOf } from './failure-columns.js';
import type { FailureColumns } from './failure-columns.js';
import type { PostgresConnection } from './postgres-connection.js';
import { checkpointOf } from './snapshot-window.js';
import type { SnapshotWindow } from './snapshot-window.js';

/** What is stored of a lane's holders and failure, as text. */
export const LANE_COLUMNS = `l.state, l.suspects::text as suspects, ${failureColumns('l')}`;

export interface LaneColumns extends Omit<FailureColumns, 'failed_id'> {
  readonly failed_id: string | null;
  readonly state: LaneState;
  readonly suspects: string;
}

interface LeaseColumns {
  readonly route: string;
  readonly lane: string;
  readonly epoch: string;
  readonly expires_ms: string;
}

interface GrantColumns extends LeaseColumns, LaneColumns {
  readonly taken_over: string;
  readonly window_from: string;
  readonly floor: string;
  readonly ceiling: string;
  readonly window_to: string | null;
  readonly to_floor: string | null;
  readonly to_ceiling: string | null;
  readonly position: string | null;
}

const LEASE_COLUMNS =
  'l.route, l.lane::text as lane, l.epoch::text as epoch, (extract(epoch from l.lease_until) * 1000)::bigint::text as expires_ms';

/** Leases are rows of the lane table, by the database's clock. */
export class PostgresLeases implements LaneLeases {
  readonly #acquire: string;
  readonly #renew: string;
  readonly #release: string;
  readonly #count: string;

  constructor(private readonly connection: PostgresConnection<never>) {
    const { schema } = connection;
    const held = `json_to_recordset($1::text::json) as held (route text, lane integer, epoch bigint)
      where l.route = held.route and l.lane = held.lane and l.epoch = held.epoch and not l.released`;
    this.#acquire = `
      with free as (
        select route, lane, released
        from ${schema}.lane
        where route = $1::text and (released or lease_until <= clock_timestamp())
        order by lane
        limit $4::text::bigint
        for update skip locked
      )
      update ${schema}.lane as l
      set owner = $2::text, epoch = l.epoch + 1, lease_until = clock_timestamp() + $3::text::double precision * interval '1 millisecond', released = false,
        suspects = l.suspects + case when free.released then 0 else 1 end
      from free
      where l.route = free.route and l.lane = free.lane
      returning ${LEASE_COLUMNS}, (not free.released)::text as taken_over, l.window_from::text as window_from, l.floor::text as floor,
        l.ceiling::text as ceiling, l.window_to::text as window_to, l.to_floor::text as to_floor, l.to_ceiling::text as to_ceiling, l.position::text as position, ${LANE_COLUMNS}`;
    this.#renew = `
      update ${schema}.lane as l
      set lease_until = clock_timestamp() + $2::text::double precision * interval '1 millisecond'
      from ${held}
      returning ${LEASE_COLUMNS}`;
    this.#release = `
      update ${schema}.lane as l
      set owner = null, released = true
      from ${held}`;
    this.#count = `select count(*)::text as lanes from ${schema}.lane where route = $1::text`;
  }

  async laneCount(route: string): Promise<number> {
    const [row] = await this.connection.query<{ lanes: string }>(this.#count, [route]);
    return Number(row!.lanes);
  }

  async acquire({ route, owner, leaseMs, most }: AcquireOptions): Promise<readonly LaneGrant[]> {
    const rows = await this.connection.query<GrantColumns>(this.#acquire, [route, owner, String(leaseMs), String(most)]);
    return rows.map(grantOf);
  }

  async renew(leases: readonly LaneLease[], leaseMs: number): Promise<readonly LaneLease[]> {
    const rows = await this.connection.query<LeaseColumns>(this.#renew, [leasesJson(leases), String(leaseMs)]);
    return rows.map(leaseOf);
  }

  async release(leases: readonly LaneLease[]): Promise<void> {
    await this.connection.query(this.#release, [leasesJson(leases)]);
  }
}

export const leasesJson = (leases: readonly LaneLease[]): string =>
  JSON.stringify(leases.map(({ route, lane, epoch }) => ({ route, lane, epoch: String(epoch) })));

const leaseOf = ({ route, lane, epoch, expires_ms }: LeaseColumns): LaneLease => ({
  route,
  lane: Number(lane),
  epoch: BigInt(epoch),
  expiresAt: new Date(Number(expires_ms)),
});

function grantOf(row: GrantColumns): LaneGrant {
  const { window_from: from, floor, ceiling, window_to: to, to_floor: toFloor, to_ceiling: toCeiling, position } = row;
  const open = to === null ? {} : { to, toFloor: toFloor!, toCeiling: toCeiling!, position: position! };
  const window: SnapshotWindow = { from, floor, ceiling, seen: floor, ...open };
  return {
    lease: leaseOf(row),
    takenOver: row.taken_over === 'true',
    progress: { checkpoint: checkpointOf(window), state: row.state, failure: laneFailureOf(row), suspects: Number(row.suspects) },
  };
}
