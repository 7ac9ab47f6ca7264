import { LeaseLostError } from '@waybill/core';
import type { LaneLease, LanePage, LaneStore, OutboxRow, ReadOptions, Selection, Settlement } from '@waybill/core';
import { MESSAGE_COLUMNS, storedMessage } from './message-columns.js';
import type { MessageColumns } from './message-columns.js';
import type { PostgresConnection } from './postgres-connection.js';
import { checkpointOf, inProgress, windowOf } from './snapshot-window.js';
import type { SnapshotWindow } from './snapshot-window.js';

interface RowColumns extends MessageColumns {
  readonly position: string;
  readonly recorded_ms: string;
  readonly snapshot: string;
  readonly seen: string;
}

/** Reads lanes by snapshot windows and settles them under their lease. */
export class PostgresLanes implements LaneStore {
  readonly #settle: string;

  constructor(private readonly connection: PostgresConnection<never>) {
    const { schema } = connection;
    this.#settle = `
      with settled as (
        update ${schema}.lane
        set window_from = $4::text::pg_snapshot, floor = $5::text::bigint, window_to = $6::text::pg_snapshot, to_floor = $7::text::bigint, position = $8::text::bigint,
          state = $9::text, failed_id = $10::text::uuid, failed_stream = $11::text, failed_revision = $12::text::bigint, attempts = $13::text::integer,
          next_try_at = to_timestamp($14::text::double precision / 1000), error_code = $15::text, last_error = $16::text
        where route = $1::text and lane = $2::integer and epoch = $3::text::bigint
        returning route
      ), executed as (
        update ${schema}.lane_action as action
        set executed_at = clock_timestamp(), outcome = done.outcome, note = done.note
        from json_to_recordset($17::text::json) as done (id bigint, outcome text, note text), settled
        where action.id = done.id
      )
      select route from settled`;
  }

  async read(options: ReadOptions): Promise<LanePage> {
    const open = windowOf(options.after);
    const page = await this.#readWindow(options, open);
    // The end of an open window is not the end of the lane.
    return page.rows.length === 0 && open.to !== undefined ? this.#readWindow(options, windowOf(page.through)) : page;
  }

  async settle(lease: LaneLease, { checkpoint, state, failure, executed = [] }: Settlement): Promise<void> {
    const { from, floor, to, toFloor, position } = windowOf(checkpoint);
    const settled = await this.connection.query(this.#settle, [
      ...[lease.route, lease.lane, String(lease.epoch), from, floor, to, toFloor, position, state],
      ...[failure?.messageId, failure?.stream, failure && String(failure.revision), String(failure?.attempts ?? 0)],
      ...[failure?.nextTryAt && String(failure.nextTryAt.getTime()), failure?.code, failure?.error.replaceAll('\0', ''), JSON.stringify(executed)],
    ]);
    if (settled.length === 0) throw new LeaseLostError(lease.route, lease.lane, lease.epoch);
  }

  async #readWindow(options: ReadOptions, window: SnapshotWindow): Promise<LanePage> {
    const { limit } = options;
    const [text, values] = readStatement(this.connection, options, window);
    const answer = await this.connection.query<RowColumns>(text, values);
    const { snapshot, seen } = answer[0]!; // the look itself comes with every row, and alone where there is none
    const found = answer.filter(({ id }) => id !== null);

    const opened = window.to === undefined ? { ...window, to: snapshot, toFloor: window.seen, seen } : { ...window, seen };
    const rows = found.map((row): OutboxRow => {
      const checkpoint = checkpointOf({ ...opened, position: row.position });
      return { ...storedMessage(row), position: BigInt(row.position), recordedAt: new Date(Number(row.recorded_ms)), checkpoint };
    });
    if (rows.length === limit) return { rows, through: rows.at(-1)!.checkpoint };
    return { rows, through: checkpointOf({ from: opened.to!, floor: opened.toFloor!, seen }) };
  }
}

/**
 * One statement: the look (snapshot, last position) and the rows of the window.
 *
 * The statement sees by the snapshot that it answers, so a window that is just opened needs no second condition. A window begins at
 * its floor, or lower where a transaction that was in progress in `from` had drawn a position by then.
 */
function readStatement({ schema, lanes }: PostgresConnection<never>, { lane, order, selection, limit }: ReadOptions, window: SnapshotWindow): readonly [string, readonly unknown[]] {
  const values: unknown[] = [];
  const parameter = (value: unknown, type: string): string => `$${values.push(value)}::${type}`;

  const running = window.position === undefined ? inProgress(window.from) : [];
  const floor = parameter(window.position ?? window.floor, 'bigint');
  const start = running.length === 0 ? floor : `least(${floor}, (select min(late.position) - 1 from ${schema}.outbox as late where late.transaction_id = any (${parameter(running, 'text[]')}::xid8[])))`;
  const conditions = [
    'o.position > (select start from look)',
    `not pg_visible_in_snapshot(o.transaction_id, ${parameter(window.from, 'pg_snapshot')})`,
    ...(window.to === undefined ? [] : [`pg_visible_in_snapshot(o.transaction_id, ${parameter(window.to, 'pg_snapshot')})`]),
    ...selected(selection, parameter),
  ].join(' and ');
  const rowsOf = (number: string): string => `select o.* from ${schema}.outbox as o where o.lane = ${number} and ${conditions}`;
  // One branch a lane, each in the order of its index, so that they are merged and not sorted.
  const source = order === 'global' ? Array.from({ length: lanes }, (_, number) => rowsOf(String(number))).join(' union all ') : rowsOf(parameter(lane, 'integer'));

  const text = `
    with look as materialized (
      select ${start} as start, pg_current_snapshot()::text as snapshot, (select case when is_called then last_value else 0 end from ${schema}.outbox_position)::text as seen
    )
    select look.snapshot, look.seen, o.*
    from look
    left join (
      select ${MESSAGE_COLUMNS}, o.position::text as position, (extract(epoch from o.recorded_at) * 1000)::bigint::text as recorded_ms, o.position as place
      from (${source}) as o
      order by o.position
      limit ${parameter(limit, 'integer')}
    ) as o on true
    order by o.place`;
  return [text, values];
}

function selected({ types, streams }: Selection, parameter: (value: unknown, type: string) => string): readonly string[] {
  const byType = types ? `o.type = any (${parameter(types, 'text[]')})` : `o.kind = 'event'`;
  return streams ? [byType, `o.stream ^@ any (${parameter(streams, 'text[]')})`] : [byType];
}
