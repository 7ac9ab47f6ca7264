import { DatabaseUnavailableError, LeaseLostError } from '@waybill/core';
import type { LaneLease, LanePage, LaneStore, ReadOptions, Settlement } from '@waybill/core';
import { LaneRow } from './lane-row.js';
import type { LaneRowColumns } from './lane-row.js';
import { MESSAGE_COLUMNS } from './message-columns.js';
import type { PostgresConnection } from './postgres-connection.js';
import { CEILING, checkpointOf, windowOf } from './snapshot-window.js';
import type { SnapshotWindow } from './snapshot-window.js';

interface RowColumns extends LaneRowColumns {
  /** What the statement saw by: its snapshot with the ceiling, and the sequence's last value. Told once, in the first row. */
  readonly look: string;
}

type Look = Readonly<Record<'snapshot' | 'ceiling' | 'seen', string>> & { readonly incarnation: string | null };

/** Reads lanes by snapshot windows and settles them under their lease. */
export class PostgresLanes implements LaneStore {
  readonly #readLane: string;
  readonly #readAll: string;
  readonly #settle: string;
  readonly #begin: string;

  constructor(private readonly connection: PostgresConnection<never>) {
    const { schema } = connection;
    this.#readLane = readStatement(schema, 'read_lane($8::integer, ');
    this.#readAll = readStatement(schema, 'read_all(');
    this.#settle = `
      with settled as (
        update ${schema}.lane
        set window_from = $4::text::pg_snapshot, floor = $5::text::bigint, ceiling = $6::text::xid8, window_to = $7::text::pg_snapshot, to_floor = $8::text::bigint,
          to_ceiling = $9::text::xid8, position = $10::text::bigint, state = $11::text, failed_id = $12::text::uuid, failed_stream = $13::text,
          failed_revision = $14::text::bigint, attempts = $15::text::integer, next_try_at = to_timestamp($16::text::double precision / 1000),
          error_code = $17::text, last_error = $18::text
        where route = $1::text and lane = $2::integer and epoch = $3::text::bigint
          and (
            exists (select from ${schema}.incarnation where id = $20::text::uuid)
            or ((window_from::text, window_to::text, position) is not distinct from ($4::text, $7::text, $10::text::bigint)) -- stored already
          )
        returning route
      ), executed as (
        update ${schema}.lane_action as action
        set executed_at = clock_timestamp(), outcome = done.outcome, note = done.note
        from json_to_recordset($19::text::json) as done (id bigint, outcome text, note text), settled
        where action.id = done.id
      )
      select (select count(*) from settled)::text as settled, l.epoch::text as epoch
      from ${schema}.lane as l
      where l.route = $1::text and l.lane = $2::integer`;
    this.#begin = `insert into ${schema}.incarnation default values on conflict do nothing`;
  }

  async read(options: ReadOptions): Promise<LanePage> {
    const open = windowOf(options.after);
    const page = await this.#readWindow(options, open);
    // The end of an open window is not the end of the lane.
    return page.rows.length === 0 && open.to !== undefined ? this.#readWindow(options, windowOf(page.through)) : page;
  }

  async settle(lease: LaneLease, { checkpoint, state, failure, executed = [] }: Settlement): Promise<void> {
    const { from, floor, ceiling, to, toFloor, toCeiling, position, incarnation } = windowOf(checkpoint);
    const [answer] = await this.connection.query<{ settled: string; epoch: string }>(this.#settle, [
      ...[lease.route, lease.lane, String(lease.epoch), from, floor, ceiling, to, toFloor, toCeiling, position, state],
      ...[failure?.messageId, failure?.stream, failure && String(failure.revision), String(failure?.attempts ?? 0)],
      ...[
        failure?.nextTryAt && String(failure.nextTryAt.getTime()),
        failure?.code,
        failure?.error.replaceAll('\0', ''),
        JSON.stringify(executed),
        incarnation,
      ],
    ]);
    if (answer?.settled === '1') return;
    if (answer?.epoch !== String(lease.epoch)) throw new LeaseLostError(lease.route, lease.lane, lease.epoch);
    throw new DatabaseUnavailableError(
      'it recovered from a crash after this lane had read, so the lane reads again from the place that is stored',
    );
  }

  async #readWindow(options: ReadOptions, window: SnapshotWindow): Promise<LanePage> {
    const { lane, order, selection, limit } = options;
    const { from, floor, ceiling, to, position } = window;
    const start = position === undefined ? [floor, ceiling] : [position, undefined];
    const values = [from, to, ...start, selection.types, selection.streams, limit];
    const answer = await (order === 'global'
      ? this.connection.query<RowColumns>(this.#readAll, values)
      : this.connection.query<RowColumns>(this.#readLane, [...values, lane]));
    const { snapshot, seen, ceiling: toCeiling, incarnation } = JSON.parse(answer[0]!.look) as Look; // comes alone where there is no row
    if (incarnation === null) {
      await this.connection.query(this.#begin); // the first look of this life of the server
      return this.#readWindow(options, window);
    }
    const found = answer[0]!.id === null ? [] : answer;

    const opened =
      window.to === undefined
        ? { ...window, to: snapshot, toFloor: window.seen, toCeiling, seen, incarnation }
        : { ...window, seen, incarnation };
    const rows = found.map((row) => new LaneRow(row, opened));
    if (rows.length === limit) return { rows, through: rows.at(-1)!.checkpoint, more: true };
    const through = checkpointOf({ from: opened.to!, floor: opened.toFloor!, ceiling: opened.toCeiling!, seen, incarnation });
    return { rows, through, more: window.to !== undefined }; // a window that was opened just now shows all there is
  }
}

function readStatement(schema: string, call: string): string {
  return `
    select ${MESSAGE_COLUMNS}, o.position::text as position, (date_part('epoch', o.recorded_at) * 1000)::bigint::text as recorded_ms,
      case when row_number() over (order by o.position) = 1 then json_build_object(
        'snapshot', pg_current_snapshot()::text,
        'ceiling', ${CEILING}::text,
        'incarnation', (select id from ${schema}.incarnation),
        'seen', (select case when is_called then last_value else 0 end from ${schema}.outbox_position)::text
      )::text end as look
    from (select 1) as one
    left join ${schema}.${call}$1::text::pg_snapshot, $2::text::pg_snapshot, $3::text::bigint, $4::text::xid8, $5::text[], $6::text[], $7::integer) as o on true
    order by o.position`;
}
