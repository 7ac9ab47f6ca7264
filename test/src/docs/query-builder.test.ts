import { projector, UnitOfWork } from '@waybill/core';
import { PostgresDatabase } from '@waybill/postgres';
import { expect } from 'chai';
import { CompiledQuery, Kysely, PostgresDialect } from 'kysely';
import type { Transaction } from 'kysely';
import { Pool } from 'pg';
import { postgresDatabase } from '../servers.js';
import { Order, OrderPlaced } from '../shop/order.js';

interface Tables {
  readonly order_list: { readonly stream: string };
}

describe('a query builder', () => {
  it('opens the transactions, and its own are what projectors get', async () => {
    const pool = new Pool({ connectionString: await postgresDatabase() });
    // #region kysely
    const kysely = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
    const database = new PostgresDatabase<Transaction<Tables>>({
      pool,
      transactions: {
        run: (work) => kysely.transaction().execute(work),
        handle: (transaction) => ({
          query: async <Row extends object>(text: string, values: readonly unknown[] = []) =>
            transaction.executeQuery<Row>(CompiledQuery.raw(text, [...values])),
        }),
      },
    });
    const orderList = projector<Transaction<Tables>>('order-list').on(OrderPlaced, ({ stream }, { tx }) =>
      tx.insertInto('order_list').values({ stream }).execute(),
    );
    // #endregion
    await database.migrate();
    await pool.query('create table order_list (stream text primary key)');
    const unitOfWork = new UnitOfWork({ database, catalogue: [OrderPlaced], projectors: [orderList] });

    await unitOfWork.run(async ({ track }) => void track(Order.placed('7')));
    const failed: unknown = await unitOfWork
      .run(async ({ track }) => {
        track(Order.placed('8'));
        throw new Error('no');
      })
      .catch((error: unknown) => error);

    expect(String(failed)).to.equal('Error: no');
    expect(await kysely.selectFrom('order_list').selectAll().execute()).to.deep.equal([{ stream: 'order-7' }]);
    await kysely.destroy();
  });
});
