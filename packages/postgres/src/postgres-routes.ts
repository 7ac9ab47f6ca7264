import type { RouteStore, StoredRoute } from '@waybill/core';
import type { PostgresConnection } from './postgres-connection.js';
import { BEGINNING, CEILING } from './snapshot-window.js';
import type { SnapshotWindow } from './snapshot-window.js';

interface RouteColumns {
  readonly message_order: StoredRoute['order'];
  readonly selection: string;
  readonly start: StoredRoute['start'];
}

export class PostgresRoutes implements RouteStore {
  readonly #find: string;
  readonly #save: string;
  readonly #isEmpty: string;
  readonly #lastPosition: string;

  constructor(private readonly connection: PostgresConnection<never>) {
    const { schema } = connection;
    this.#find = `
      select message_order, json_strip_nulls(json_build_object('types', types, 'streams', streams))::text as selection, start
      from ${schema}.route
      where route = $1::text`;
    this.#save = `
      with saved as (
        insert into ${schema}.route (route, message_order, types, streams, start)
        values ($1::text, $2::text, $3::text[], $4::text[], $5::text)
        on conflict (route) do update set types = excluded.types, streams = excluded.streams, retired_at = null
        returning route, message_order
      )
      insert into ${schema}.lane (route, lane, window_from, floor, ceiling)
      select saved.route, lane, coalesce($6::text::pg_snapshot, pg_current_snapshot()), $7::text::bigint, coalesce($8::text::xid8, ${CEILING})
      from saved, generate_series(0, case when saved.message_order = 'global' then 0 else $9::integer - 1 end) as lane
      on conflict (route, lane) do nothing`;
    this.#isEmpty = `select (not exists (select from ${schema}.stream))::text as empty`;
    this.#lastPosition = `select (case when is_called then last_value else 0 end)::text as position from ${schema}.outbox_position`;
  }

  async find(name: string): Promise<StoredRoute | undefined> {
    const [row] = await this.connection.query<RouteColumns>(this.#find, [name]);
    return row && { name, order: row.message_order, selection: JSON.parse(row.selection) as StoredRoute['selection'], start: row.start };
  }

  async save({ name, order, selection, start }: StoredRoute): Promise<void> {
    // The floor must be read in a statement before the one that takes the snapshot.
    const floor =
      start === 'beginning' ? BEGINNING.floor : (await this.connection.query<{ position: string }>(this.#lastPosition))[0]!.position;
    const { from, ceiling }: Partial<SnapshotWindow> = start === 'beginning' ? BEGINNING : {}; // absent: those of the statement itself
    await this.connection.query(this.#save, [
      name,
      order,
      selection.types,
      selection.streams,
      start,
      from,
      floor,
      ceiling,
      this.connection.lanes,
    ]);
  }

  async outboxIsEmpty(): Promise<boolean> {
    const [row] = await this.connection.query<{ empty: string }>(this.#isEmpty);
    return row!.empty === 'true';
  }
}
