import { projector, UnitOfWork } from '@waybill/core';
import { PostgresDatabase } from '@waybill/postgres';
import type { ForeignTransactions, PostgresTx } from '@waybill/postgres';
import { sql } from 'drizzle-orm';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import { CompiledQuery } from 'kysely';
import type { Kysely, Transaction } from 'kysely';
import { Pool } from 'pg';
import { unitOfWork } from './2-postgres.js';
import { orderCatalogue as catalogue, OrderPlaced } from './orders/order-events.js';
import { Order } from './orders/order.js';

const pool = new Pool();

// a) pg: your client is the handle
const client = await pool.connect();
await client.query('begin');
const receipt = await unitOfWork.join(client, async ({ track }) => track(new Order('7')).place('c-1', 4_200));
await client.query('commit');
receipt.committed(); // optional: without it the next poll finds the messages
client.release();

// b) one Kysely transaction, now and then: wrap it in the minimal handle
interface Tables {
  order_list: { stream: string; total_cents: number };
}
declare const kysely: Kysely<Tables>;
const handle = (trx: Transaction<Tables>): PostgresTx => ({
  query: async <Row extends object>(text: string, values: readonly unknown[] = []) => ({
    rows: (await trx.executeQuery<Row>(CompiledQuery.raw(text, [...values]))).rows,
  }),
});
await kysely.transaction().execute(async (trx) => {
  await trx.insertInto('order_list').values({ stream: 'order-7', total_cents: 4_200 }).execute();
  await unitOfWork.join(handle(trx), async ({ append }) => append('notes-7', OrderPlaced({ customerId: 'c-1', totalCents: 4_200 })));
});

// c) Kysely everywhere: `tx` *is* the Kysely transaction, in run, projectors and handlers, with typed tables
const transactions: ForeignTransactions<Transaction<Tables>> = { run: (work) => kysely.transaction().execute(work), handle };
const database = new PostgresDatabase({ pool, transactions });
const kyselyUnitOfWork = new UnitOfWork({
  database,
  catalogue,
  projectors: [
    projector<Transaction<Tables>>('order-list').on(OrderPlaced, ({ stream, data }, { tx }) =>
      tx.insertInto('order_list').values({ stream, total_cents: data.totalCents }).execute(),
    ),
  ],
});
const rows = await kyselyUnitOfWork.run(({ tx }) => tx.selectFrom('order_list').select('total_cents').execute());
rows.result[0]?.total_cents.toFixed(2);

// d) Drizzle: no text-and-values call, so the handle rebuilds a fragment. (It turns timestamps into text: our SQL asks for text.)
declare const drizzle: NodePgDatabase;
await drizzle.transaction(async (trx) => {
  const tx: PostgresTx = {
    query: async <Row extends object>(text: string, values: readonly unknown[] = []) => {
      const chunks = text
        .split(/\$(\d+)/)
        .map((part, index) => (index % 2 === 0 ? sql.raw(part) : sql`${sql.param(values[Number(part) - 1] ?? null)}`));
      return { rows: (await trx.execute(sql.join(chunks))).rows as Row[] };
    },
  };
  await unitOfWork.join(tx, async ({ track }) => track(new Order('9')).place('c-1', 1));
});
