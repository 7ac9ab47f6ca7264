import { projectorOf } from '@waybill/core';
import { PostgresDatabase } from '@waybill/postgres';
import type { PostgresTx } from '@waybill/postgres';
import { escapeIdentifier, Pool } from 'pg';
import type { ListedOrder } from '../books/books.js';
import { shippingOn } from '../shipping/shipping.js';
import { shopOn } from '../shop/shop.js';
import type { OpenedShipping, OpenedShop } from './opened-services.js';
import { PostgresOrderList } from './postgres-order-list.js';

/** Waybill's tables and the service's own are in one schema. */
function open(url: string, name: string) {
  const pool = new Pool({ connectionString: url, max: 20 });
  pool.on('error', () => {}); // an idle connection was lost: the next query says so
  const schema = escapeIdentifier(name);
  return {
    database: new PostgresDatabase({ pool, schema: name, lanes: 4 }),
    schema,
    rows: async <Row extends object>(text: string): Promise<readonly Row[]> => (await pool.query<Row>(text)).rows,
    drop: async () => void (await pool.query(`drop schema if exists ${schema} cascade`)),
    close: () => pool.end(),
  };
}

export function shopOnPostgres(url: string, name: string): OpenedShop {
  const { database, schema, rows, drop, close } = open(url, name);
  return {
    ...{ drop, close },
    shop: (options) => shopOn<PostgresTx>({ ...options, database, orderList: projectorOf(new PostgresOrderList(schema)) }),
    create: () => database.migrate(),
    books: async () => {
      const placed = await rows<{ id: string }>(`select payload->>'orderId' as id from ${schema}.outbox where type = 'OrderPlaced'`);
      const going = await rows<{ line: string }>(`
        select process || ' ' || key || ' is ' || status as line from ${schema}.process
        where status in ('running', 'compensating') or 'stuck' = any (step_states)`);
      const cases = await rows<{ reason: string | null }>(`select close_reason as reason from ${schema}.open_case`);
      return {
        placed: placed.map(({ id }) => id),
        orders: await rows<ListedOrder>(
          `select order_id as "orderId", total_cents as "totalCents", status, reason from ${schema}.order_list`,
        ),
        open: going.map(({ line }) => line),
        openCases: cases.filter(({ reason }) => reason === null).length,
        closedCases: cases.flatMap(({ reason }) => reason ?? []),
      };
    },
  };
}

export function shippingOnPostgres(url: string, name: string): OpenedShipping {
  const { database, schema, rows, drop, close } = open(url, name);
  const writeLabel = (orderId: string, tx: PostgresTx): Promise<unknown> => tx.query(`insert into ${schema}.label values ($1)`, [orderId]);
  return {
    ...{ drop, close },
    shipping: (options) => shippingOn<PostgresTx>({ ...options, database, writeLabel }),
    create: async () => {
      await database.migrate();
      await rows(`create table ${schema}.label (order_id text not null)`);
    },
    books: async () => ({ labels: (await rows<{ id: string }>(`select order_id as id from ${schema}.label`)).map(({ id }) => id) }),
  };
}
