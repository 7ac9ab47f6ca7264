import { ADOPTED_EPOCH_STEP } from '@waybill/core';
import type { PostgresTx } from '../postgres-tx.js';
import { CEILING } from '../snapshot-window.js';

/** SQL: the place of lane `l` is past row `o`. */
export const PASSED = `coalesce(
      pg_visible_in_snapshot(o.transaction_id, l.window_from)
        or (l.window_to is not null and pg_visible_in_snapshot(o.transaction_id, l.window_to) and o.position <= l.position),
      false
    )`;

/** SQL: the lane `l` of route `r` that row `o` is in. */
export const LANE_OF_ROW = `l.route = r.route and l.lane = case when r.message_order = 'global' then 0 else o.lane end`;

export interface RestampOptions {
  /** Quoted. */
  readonly schema: string;
  /** SQL: row `o` is passed by no lane, whatever its transaction id seems to say. */
  readonly unread: string;
}

/**
 * Gives every lane a place that says the same as its old one, in transaction ids that mean something here.
 *
 * A row that some routes have yet to deliver gets a stamp in place of its transaction's id: a small number, one for each distinct set of
 * routes. Every snapshot that this server takes sees the stamps, for they lie below all transactions. The new `window_from` of a lane is made by
 * hand: this moment's snapshot, in which exactly the stamps of its route are "in progress" besides. The functions that lanes read with look up
 * the rows of transactions in progress anyway. So what was delivered stays delivered, the rest is read by position as ever, and rows that are
 * delivered to all need not be touched.
 *
 * Expects that nobody writes to route, outbox and lane meanwhile. Lanes are released, and their holders fenced out.
 */
export async function restamp(tx: PostgresTx, { schema, unread }: RestampOptions): Promise<void> {
  const { rows } = await tx.query<{ stamps: string }>(`
    with lacking as materialized (
      select o.lane, o.position, array_agg(r.number order by r.number) as routes
      from ${schema}.outbox as o
      join ${schema}.route as r on r.retired_at is null
      join ${schema}.lane as l on ${LANE_OF_ROW}
      where ${unread} or not ${PASSED}
      group by o.lane, o.position
    ), stamp as materialized (
      -- Where there are more sets than ids, the rarest share one: their rows are delivered again to routes of each other.
      select routes, least(${FIRST_STAMP} - 1 + row_number() over (order by count(*) desc, routes), ${LAST_STAMP}) as id
      from lacking
      group by routes
    ), stamped as (
      update ${schema}.outbox as o
      set transaction_id = stamp.id::text::xid8
      from lacking
      join stamp on stamp.routes = lacking.routes
      where o.lane = lacking.lane and o.position = lacking.position
    ), passed as (
      -- Ids that this server has not given yet, or that mean something else now.
      update ${schema}.outbox as o
      set transaction_id = '${FIRST_STAMP - 1}'
      where (
          not pg_visible_in_snapshot(o.transaction_id, pg_current_snapshot())
          or o.transaction_id >= '${FIRST_STAMP}' and o.transaction_id <= (select max(stamp.id)::text::xid8 from stamp)
        )
        and not exists (select from lacking where lacking.lane = o.lane and lacking.position = o.position)
    )
    select coalesce(json_agg(json_build_object('routes', routes, 'id', id)), '[]')::text as stamps
    from stamp`);
  await tx.query(
    `
    update ${schema}.lane as l
    set window_from = made.snapshot, ceiling = made.ceiling, floor = made.floor,
      window_to = null, to_floor = null, to_ceiling = null, position = null,
      owner = null, released = true, lease_until = '-infinity', epoch = l.epoch + ${ADOPTED_EPOCH_STEP}
    from (
      select r.route, concat_ws(':', coalesce(min(active.id), pg_snapshot_xmax(pg_current_snapshot())::text::bigint), pg_snapshot_xmax(pg_current_snapshot()),
          coalesce(string_agg(active.id::text, ',' order by active.id), ''))::pg_snapshot as snapshot,
        ${CEILING} as ceiling, (select case when is_called then last_value else 0 end from ${schema}.outbox_position) as floor
      from ${schema}.route as r
      left join lateral (
        select stamp.id
        from json_to_recordset($1::text::json) as stamp (routes json, id bigint)
        where r.number::text in (select json_array_elements_text(stamp.routes))
        union
        select id::text::bigint from pg_snapshot_xip(pg_current_snapshot()) as id
      ) as active on true
      group by r.route
    ) as made
    where made.route = l.route`,
    [rows[0]!.stamps],
  );
}

/** PostgreSQL itself uses the ids below. Rows that every route has passed get the last of these: every snapshot sees it. */
const FIRST_STAMP = 4;
/** SQL: everything below has ended. */
const LAST_STAMP = 'pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1';
