import { Dispatcher, UnitOfWork } from '@waybill/core';
import { InMemorySink } from '@waybill/core/in-memory';
import { PostgresDatabase } from '@waybill/postgres';
import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { Pool } from 'pg';
import { postgresDatabase } from '../servers.js';
import { Order, OrderPlaced } from '../shop/order.js';

const mending = readFileSync(new URL('../../../docs/after-a-restore.sql', import.meta.url), 'utf8');
const catalogue = [OrderPlaced];

describe('a dump that was restored into another cluster', () => {
  let pool: Pool;
  let database: PostgresDatabase;
  let unitOfWork: UnitOfWork;
  before(async () => {
    pool = new Pool({ connectionString: await postgresDatabase() });
    database = new PostgresDatabase({ pool, listen: false });
    unitOfWork = new UnitOfWork({ database, catalogue }) as UnitOfWork;
    await database.migrate();
  });
  after(() => pool.end());

  async function dispatch<Result>(act: (dispatcher: Dispatcher<'books'>, sink: InMemorySink) => Promise<Result>): Promise<Result> {
    const sink = new InMemorySink();
    const dispatcher = new Dispatcher({ database, catalogue, routes: { books: { sink } } });
    await dispatcher.start();
    return await act(dispatcher, sink).finally(() => dispatcher.stop());
  }
  const place = (id: string) => unitOfWork.run(async ({ track }) => void track(new Order(id)).place('c-1', 1));

  it('delivers what is new, and nothing again, after what the page says was done', async () => {
    await dispatch(async (dispatcher) => {
      for (const id of ['1', '2', '3']) await dispatcher.delivered(await place(id), 'books');
    });
    await pool.query(`update waybill.outbox set transaction_id = (transaction_id::text::bigint + 1000000)::text::xid8`);
    await pool.query(`update waybill.lane set window_from = '2000000:2000000:', window_to = null, ceiling = '2000000'`);
    await pool.query(`update waybill.identity set system_identifier = '1'`);
    const refused: unknown = await dispatch(async () => undefined).catch((error: unknown) => error);

    await pool.query(mending);

    await dispatch(async (dispatcher, sink) => {
      await dispatcher.delivered(await place('4'), 'books');
      await dispatcher.delivered(await place('5'), 'books');
      expect(sink.delivered.map(({ stream }) => stream)).to.deep.equal(['order-4', 'order-5']);
    });
    expect(refused).to.have.property('code', 'DATABASE_REPLACED');
  });
});
