import type { LaneAction, LaneActionRequest, LaneActions, LaneLease, RecordedAction } from '@waybill/core';
import { plainText } from './plain-text.js';
import type { PostgresConnection } from './postgres-connection.js';
import { leasesJson } from './postgres-leases.js';

interface ActionColumns {
  readonly id: string;
  readonly route: string;
  readonly lane: string;
  readonly kind: LaneAction['kind'];
  readonly message_id: string | null;
  readonly stream: string | null;
  readonly reason: string | null;
  readonly requested_by: string | null;
  readonly requested_ms: string;
}

interface RecordedColumns extends Omit<ActionColumns, 'kind'> {
  readonly kind: RecordedAction['kind'];
  readonly executed_ms: string | null;
  readonly outcome: 'done' | 'refused' | null;
  readonly note: string | null;
}

const COLUMNS = `
  a.id::text as id, a.route, a.lane::text as lane, a.kind, a.message_id::text as message_id, a.stream, a.reason, a.requested_by,
  (extract(epoch from a.requested_at) * 1000)::bigint::text as requested_ms`;

export class PostgresActions implements LaneActions {
  readonly #request: string;
  readonly #due: string;
  readonly #recorded: string;

  constructor(private readonly connection: PostgresConnection<never>) {
    const { schema } = connection;
    this.#request = `
      insert into ${schema}.lane_action (route, lane, kind, message_id, stream, reason, requested_by)
      values ($1::text, $2::integer, $3::text, $4::text::uuid, $5::text, $6::text, $7::text)`;
    this.#due = `
      select ${COLUMNS}
      from ${schema}.lane_action as a
      join json_to_recordset($1::text::json) as held (route text, lane integer) on held.route = a.route and held.lane = a.lane
      where a.executed_at is null
      order by a.id`;
    this.#recorded = `
      select ${COLUMNS}, (extract(epoch from a.executed_at) * 1000)::bigint::text as executed_ms, a.outcome, a.note
      from ${schema}.lane_action as a
      where a.route = $1::text
      order by a.id desc
      limit $2::text::bigint`;
  }

  async request({ route, lane, kind, messageId, stream, reason, requestedBy }: LaneActionRequest): Promise<void> {
    const texts = [reason, requestedBy].map((text) => text && plainText(text));
    await this.connection.query(this.#request, [route, lane, kind, messageId, stream, ...texts]);
  }

  async due(leases: readonly LaneLease[]): Promise<readonly LaneAction[]> {
    const rows = await this.connection.query<ActionColumns>(this.#due, [leasesJson(leases)]);
    return rows.map((row) => ({ ...requested(row), kind: row.kind }));
  }

  async recorded(route: string, most: number): Promise<readonly RecordedAction[]> {
    const rows = await this.connection.query<RecordedColumns>(this.#recorded, [route, String(most)]);
    return rows.map((row) => ({
      ...requested(row),
      kind: row.kind,
      ...(row.executed_ms !== null && { executedAt: new Date(Number(row.executed_ms)) }),
      ...(row.outcome !== null && { outcome: row.outcome }),
      ...(row.note !== null && { note: row.note }),
    }));
  }
}

const requested = (row: Omit<ActionColumns, 'kind'>): Omit<LaneAction, 'kind'> => ({
  ...{ id: row.id, route: row.route, lane: Number(row.lane), requestedAt: new Date(Number(row.requested_ms)) },
  ...(row.message_id !== null && { messageId: row.message_id }),
  ...(row.stream !== null && { stream: row.stream }),
  ...(row.reason !== null && { reason: row.reason }),
  ...(row.requested_by !== null && { requestedBy: row.requested_by }),
});
