import type { LaneAction, LaneActionRequest, LaneActions, LaneLease } from '@waybill/core';
import type { PostgresConnection } from './postgres-connection.js';
import { leasesJson } from './postgres-leases.js';

interface ActionColumns {
  readonly id: string;
  readonly route: string;
  readonly lane: string;
  readonly kind: LaneAction['kind'];
  readonly message_id: string | null;
  readonly reason: string | null;
  readonly requested_ms: string;
}

export class PostgresActions implements LaneActions {
  readonly #request: string;
  readonly #due: string;

  constructor(private readonly connection: PostgresConnection<never>) {
    const { schema } = connection;
    this.#request = `
      insert into ${schema}.lane_action (route, lane, kind, message_id, reason)
      values ($1::text, $2::integer, $3::text, $4::text::uuid, $5::text)`;
    this.#due = `
      select a.id::text as id, a.route, a.lane::text as lane, a.kind, a.message_id::text as message_id, a.reason,
        (extract(epoch from a.requested_at) * 1000)::bigint::text as requested_ms
      from ${schema}.lane_action as a
      join json_to_recordset($1::text::json) as held (route text, lane integer) on held.route = a.route and held.lane = a.lane
      where a.executed_at is null
      order by a.id`;
  }

  async request({ route, lane, kind, messageId, reason }: LaneActionRequest): Promise<void> {
    await this.connection.query(this.#request, [route, lane, kind, messageId, reason]);
  }

  async due(leases: readonly LaneLease[]): Promise<readonly LaneAction[]> {
    const rows = await this.connection.query<ActionColumns>(this.#due, [leasesJson(leases)]);
    return rows.map(({ id, route, lane, kind, message_id, reason, requested_ms }) => ({
      ...{ id, route, kind, lane: Number(lane), requestedAt: new Date(Number(requested_ms)) },
      ...(message_id !== null && { messageId: message_id }),
      ...(reason !== null && { reason }),
    }));
  }
}
