import type { RouteStore, StoredRoute } from '@waybill/core';
import type { PostgresConnection } from './postgres-connection.js';
import { BEGINNING, CEILING } from './snapshot-window.js';
import type { SnapshotWindow } from './snapshot-window.js';

interface RouteColumns {
  readonly route: string;
  readonly message_order: StoredRoute['order'];
  readonly selection: string;
  readonly start: StoredRoute['start'];
  readonly retired_ms: string | null;
}

const UNIQUE_VIOLATION = '23505';

export class PostgresRoutes implements RouteStore {
  readonly #find: string;
  readonly #all: string;
  readonly #save: string;
  readonly #retire: string;
  readonly #rename: string;
  readonly #outbox: string;
  readonly #lastPosition: string;

  constructor(private readonly connection: PostgresConnection<never>) {
    const { schema } = connection;
    const routes = `
      select route, message_order, json_strip_nulls(json_build_object('types', types, 'streams', streams))::text as selection, start,
        (extract(epoch from retired_at) * 1000)::bigint::text as retired_ms
      from ${schema}.route`;
    this.#find = `${routes} where route = $1::text`;
    this.#all = `${routes} order by route collate "C"`;
    // What a settlement stored while its route was being retired is forgotten when it is made anew.
    // The last epoch is read under a lock, after the route's own: whoever retires it meanwhile has raised it.
    this.#save = `
      with saved as (
        insert into ${schema}.route as r (route, message_order, types, streams, start)
        values ($1::text, $2::text, $3::text[], $4::text[], $5::text)
        on conflict (route) do update set
          types = excluded.types, streams = excluded.streams, retired_at = null,
          message_order = case when r.retired_at is null then r.message_order else excluded.message_order end,
          start = case when r.retired_at is null then r.start else excluded.start end
        returning route, message_order
      ), forgotten as (
        delete from ${schema}.delivered_stream as d using ${schema}.route as r
        where r.route = $1::text and r.retired_at is not null and d.route_number = r.number
      ), begun as (
        select saved.route, saved.message_order, i.last_epoch from saved, ${schema}.identity as i for share of i
      )
      insert into ${schema}.lane (route, lane, epoch, window_from, floor, ceiling)
      select begun.route, lane, begun.last_epoch, coalesce($6::text::pg_snapshot, pg_current_snapshot()), $7::text::bigint, coalesce($8::text::xid8, ${CEILING})
      from begun, generate_series(0, case when begun.message_order = 'global' then 0 else $9::integer - 1 end) as lane
      on conflict (route, lane) do nothing`;
    // Epochs are never given twice under one name: who held a lane of the old route must not be taken for the holder of the new one's.
    this.#retire = `
      with retired as (
        update ${schema}.route set retired_at = clock_timestamp() where route = $1::text and retired_at is null
        returning route, number
      ), forgotten as (
        delete from ${schema}.delivered_stream as d using retired where d.route_number = retired.number
      ), lanes as (
        delete from ${schema}.lane as l using retired where l.route = retired.route
        returning l.epoch
      ), orders as (
        delete from ${schema}.lane_action as a using retired where a.route = retired.route and a.executed_at is null
      )
      update ${schema}.identity set last_epoch = greatest(last_epoch, (select max(epoch) + 1 from lanes))
      where exists (select from retired)`;
    // A lane that somebody is about to take is locked, and is left out: then it is not all of them.
    this.#rename = `
      with lanes as materialized (
        select epoch, released or lease_until <= clock_timestamp() as free
        from ${schema}.lane
        where route = $1::text
        for update skip locked
      ), renamed as (
        update ${schema}.route set route = $2::text
        where route = $1::text and retired_at is null
          and (select bool_and(free) and count(*) = (select count(*) from ${schema}.lane where route = $1::text) from lanes)
          and not exists (select from ${schema}.route where route = $2::text)
        returning route
      ), orders as (
        update ${schema}.lane_action as a set route = renamed.route from renamed where a.route = $1::text
      ), remembered as (
        update ${schema}.identity set last_epoch = greatest(last_epoch, (select max(epoch) + 1 from lanes)) from renamed
        returning last_epoch
      ), closed as (
        update ${schema}.lane as l set epoch = remembered.last_epoch from remembered where l.route = $1::text
      )
      select route from renamed`;
    this.#outbox = `
      select (not exists (select from ${schema}.stream))::text as empty, (removed_before is not null)::text as removed
      from ${schema}.identity`;
    this.#lastPosition = `select (case when is_called then last_value else 0 end)::text as position from ${schema}.outbox_position`;
  }

  async find(name: string): Promise<StoredRoute | undefined> {
    const [row] = await this.connection.query<RouteColumns>(this.#find, [name]);
    return row && routeOf(row);
  }

  async all(): Promise<readonly StoredRoute[]> {
    return (await this.connection.query<RouteColumns>(this.#all)).map(routeOf);
  }

  async save({ name, order, selection, start }: StoredRoute): Promise<void> {
    // The floor must be read in a statement before the one that takes the snapshot.
    const floor =
      start === 'beginning' ? BEGINNING.floor : (await this.connection.query<{ position: string }>(this.#lastPosition))[0]!.position;
    const { from, ceiling }: Partial<SnapshotWindow> = start === 'beginning' ? BEGINNING : {}; // absent: those of the statement itself
    await this.connection.query(this.#save, [
      ...[name, order, selection.types, selection.streams, start],
      ...[from, floor, ceiling, this.connection.lanes],
    ]);
  }

  async retire(name: string): Promise<void> {
    await this.connection.query(this.#retire, [name]);
  }

  async rename(name: string, to: string): Promise<boolean> {
    try {
      return (await this.connection.query(this.#rename, [name, to])).length > 0;
    } catch (error) {
      if ((error as { readonly code?: unknown }).code === UNIQUE_VIOLATION) return false; // taken meanwhile
      throw error;
    }
  }

  async outbox(): Promise<{ readonly empty: boolean; readonly removed: boolean }> {
    const [row] = await this.connection.query<Record<'empty' | 'removed', string>>(this.#outbox);
    return { empty: row!.empty === 'true', removed: row!.removed === 'true' };
  }
}

const routeOf = ({ route, message_order, selection, start, retired_ms }: RouteColumns): StoredRoute => ({
  ...{ name: route, order: message_order, selection: JSON.parse(selection) as StoredRoute['selection'], start },
  ...(retired_ms !== null && { retiredAt: new Date(Number(retired_ms)) }),
});
