import { DatabaseUnavailableError, LeaseLostError } from '@waybill/core';
import type {
  LaneLease,
  LanePage,
  LaneStore,
  MessagePlace,
  OutboxRow,
  ReadOptions,
  ReadTailOptions,
  Settlement,
  StoppedStream,
} from '@waybill/core';
import { LANE_ROW_COLUMNS, LaneRow } from './lane-row.js';
import type { LaneRowColumns } from './lane-row.js';
import type { PostgresConnection } from './postgres-connection.js';
import { SettledReplies } from './settled-replies.js';
import { settleAllStatement, settleStatement } from './settlement-statements.js';
import { hasExtras, settlementValues } from './settlement-values.js';
import { CEILING, checkpointOf, windowOf } from './snapshot-window.js';
import type { SnapshotWindow } from './snapshot-window.js';
import { STOPPED_COLUMNS, stoppedOf } from './stopped-columns.js';
import type { StoppedColumns } from './stopped-columns.js';

/**
 * Longest wait of a settlement for the stream of a reply, which somebody's open transaction may have. The lane's row is locked meanwhile, and
 * with it the renewal of all leases of the process waits. PostgreSQL finds two that wait for each other after a second.
 */
const MOST_LOCKED_MS = 1_500;

interface RowColumns extends LaneRowColumns {
  /** What the statement saw by: its snapshot with the ceiling, and the sequence's last value. Told once, in the first row. */
  readonly look: string;
}

interface Settled {
  readonly settled: string;
  readonly epoch: string | null;
}

type Look = Readonly<Record<'snapshot' | 'ceiling' | 'seen', string>> & { readonly incarnation: string | null };

/** Reads lanes by snapshot windows and settles them under their lease. */
export class PostgresLanes implements LaneStore {
  readonly #readLane: string;
  readonly #readAll: string;
  readonly #readTail: string;
  readonly #stopped: string;
  readonly #settle: string;
  readonly #settleAll: string;
  readonly #delivered: string;
  readonly #begin: string;
  readonly #replies: SettledReplies;

  constructor(private readonly connection: PostgresConnection<never>) {
    const { schema } = connection;
    this.#readLane = readStatement(schema, 'read_lane($8::integer, ');
    this.#readAll = readStatement(schema, 'read_all(');
    this.#readTail = tailStatement(schema);
    this.#stopped = `select ${STOPPED_COLUMNS} from ${schema}.stopped_stream as s where s.route = $1::text and s.lane = $2::integer`;
    this.#settle = settleStatement(schema);
    this.#settleAll = settleAllStatement(schema);
    this.#delivered = `
      select d.stream, d.revision::text as revision
      from ${schema}.route as r
      join ${schema}.delivered_stream as d on d.route_number = r.number and d.stream = any ($2::text[])
      where r.route = $1::text`;
    this.#replies = new SettledReplies(connection);
    this.#begin = `insert into ${schema}.incarnation default values on conflict do nothing`;
  }

  async read(options: ReadOptions): Promise<LanePage> {
    const open = windowOf(options.after);
    const page = await this.#readWindow(options, open);
    // The end of an open window is not the end of the lane.
    return page.rows.length === 0 && open.to !== undefined ? this.#readWindow(options, windowOf(page.through)) : page;
  }

  async readTail({ selection, stream, from, upTo, limit }: ReadTailOptions): Promise<readonly OutboxRow[]> {
    const { from: windowFrom, to, position } = windowOf(upTo);
    const values = [stream, String(from), windowFrom, to, position, selection.types, selection.streams, limit];
    return (await this.connection.query<LaneRowColumns>(this.#readTail, values)).map((row) => new LaneRow(row, () => upTo));
  }

  async stopped({ route, lane }: LaneLease): Promise<readonly StoppedStream[]> {
    return (await this.connection.query<StoppedColumns>(this.#stopped, [route, lane])).map(stoppedOf);
  }

  async delivered(route: string, streams: readonly string[]): Promise<readonly MessagePlace[]> {
    if (streams.length === 0) return [];
    const found = await this.connection.query<{ stream: string; revision: string }>(this.#delivered, [route, streams]);
    return found.map(({ stream, revision }) => ({ stream, revision: BigInt(revision) }));
  }

  async settle(lease: LaneLease, settlement: Settlement): Promise<void> {
    const { replies = [] } = settlement;
    const statement = hasExtras(settlement) ? this.#settleAll : this.#settle;
    const values = settlementValues(lease, settlement);
    if (replies.length === 0) return refuseUnsettled(lease, await this.connection.query<Settled>(statement, values));
    await this.connection.repeatedReadCommitted(MOST_LOCKED_MS, async (tx) => {
      // First: who settles the same lane meanwhile waits here, and sees below what was appended.
      refuseUnsettled(lease, (await tx.query<Settled>(statement, values)).rows);
      await this.#replies.append(replies, tx);
    });
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
    const rows = found.map((row) => new LaneRow(row, (position) => checkpointOf({ ...opened, position })));
    if (rows.length === limit) return { rows, through: rows.at(-1)!.checkpoint, more: true };
    const through = checkpointOf({ from: opened.to!, floor: opened.toFloor!, ceiling: opened.toCeiling!, seen, incarnation });
    return { rows, through, more: window.to !== undefined }; // a window that was opened just now shows all there is
  }
}

function refuseUnsettled({ route, lane, epoch }: LaneLease, [answer]: readonly Settled[]): void {
  if (answer!.settled === 'true') return;
  if (answer!.epoch !== String(epoch)) throw new LeaseLostError(route, lane, epoch);
  throw new DatabaseUnavailableError(
    'it recovered from a crash after this lane had read, so the lane reads again from the place that is stored',
  );
}

function readStatement(schema: string, call: string): string {
  return `
    select ${LANE_ROW_COLUMNS},
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

// By the unique index of the stream; what its lane has passed is a beginning of it.
const tailStatement = (schema: string): string => `
    select ${LANE_ROW_COLUMNS}
    from ${schema}.outbox as o
    where o.stream = $1::text and o.revision >= $2::text::bigint
      and (
        pg_visible_in_snapshot(o.transaction_id, $3::text::pg_snapshot)
        or ($4::text is not null and pg_visible_in_snapshot(o.transaction_id, $4::text::pg_snapshot) and o.position <= $5::text::bigint)
      )
      and case when $6::text[] is null then o.kind = 'event' else o.type = any ($6::text[]) end
      and ($7::text[] is null or o.stream ^@ any ($7::text[]))
    order by o.stream, o.revision
    limit $8::integer`;
