import { Dispatcher, UnitOfWork } from '@waybill/core';
import { InMemorySink } from '@waybill/core/in-memory';
import { PostgresDatabase } from '@waybill/postgres';
import { eventually } from '@waybill/testing';
import { expect } from 'chai';
import { Pool } from 'pg';
import { postgresDatabase } from '../servers.js';
import { failureOf } from '../shop/failure-of.js';
import { Notebook, NoteWritten } from '../shop/notebook.js';
import { openShop } from './postgres-shop.js';
import type { PostgresShop } from './postgres-shop.js';

describe('bad input to the PostgreSQL adapter', () => {
  let shop: PostgresShop;
  before(async () => (shop = await openShop()));
  after(() => shop.close());

  const rowsOf = async (): Promise<number> =>
    Number((await shop.pool.query<{ n: string }>('select count(*) as n from waybill.outbox')).rows[0]!.n);

  it('says that the database is not migrated, and what to do', async () => {
    const pool = new Pool({ connectionString: await postgresDatabase() });
    const database = new PostgresDatabase({ pool });
    const unitOfWork = new UnitOfWork({ database, catalogue: [NoteWritten] });
    const dispatcher = new Dispatcher({ database, catalogue: [NoteWritten], routes: { memory: { sink: new InMemorySink() } } });

    const atCommit = await failureOf('SCHEMA_MISMATCH', () => unitOfWork.run(async ({ track }) => track(new Notebook('1')).write('x')));
    const atStart = await failureOf('SCHEMA_MISMATCH', () => dispatcher.start());

    expect(atCommit.message).to.contain('database.migrate()');
    expect(atStart.message).to.contain('database.migrate()');
    await pool.end();
  });

  it('refuses another number of lanes than the schema was created with', async () => {
    const other = new PostgresDatabase({ pool: shop.pool, lanes: 8 });

    const atMigrate = await failureOf('SCHEMA_MISMATCH', () => other.migrate());
    const atStart = await failureOf('SCHEMA_MISMATCH', () => other.verify());

    expect(atMigrate.message).to.contain('16 lanes').and.to.contain('8').and.to.contain('lanes: 16');
    expect(atStart.message).to.equal(atMigrate.message);
  });

  it('refuses a schema that a newer version made', async () => {
    const newer = await openShop({ schema: 'newer' }, shop.url);
    await newer.pool.query('insert into newer.migration (version) values (99)');

    const error = await failureOf('SCHEMA_MISMATCH', () => newer.database.migrate());

    expect(error.message).to.contain('99').and.to.contain('Upgrade @waybill/postgres');
    await newer.close();
  });

  it('refuses a sequence that hands out positions ahead', async () => {
    const cached = await openShop({ schema: 'cached' }, shop.url);
    await cached.pool.query('alter sequence cached.outbox_position cache 20');

    const error = await failureOf('SCHEMA_MISMATCH', () => cached.database.verify());

    expect(error.message).to.contain('CACHE 20').and.to.contain('alter sequence');
    await cached.close();
  });

  for (const [schema, reason] of [
    ['', 'is empty'],
    ['a\0b', 'NUL'],
    ['x'.repeat(64), '63 bytes'],
    ['pg_mine', 'pg_'],
  ] as const) {
    it(`refuses the schema name ${JSON.stringify(schema.slice(0, 8))}`, async () => {
      const error = await failureOf('INVALID_OPTIONS', async () => new PostgresDatabase({ pool: shop.pool, schema }));

      expect(error.message).to.contain(reason);
    });
  }

  for (const lanes of [0, -1, 1.5, 1_025, Number.NaN]) {
    it(`refuses ${lanes} lanes`, async () => {
      const error = await failureOf('INVALID_OPTIONS', async () => new PostgresDatabase({ pool: shop.pool, lanes }));

      expect(error.message).to.contain(String(lanes));
    });
  }

  it('says that the database cannot be reached, and that nothing was committed', async () => {
    const pool = new Pool({ host: '127.0.0.1', port: 1, connectionTimeoutMillis: 1_000 });
    const database = new PostgresDatabase({ pool });
    const unitOfWork = new UnitOfWork({ database, catalogue: [NoteWritten] });

    const atCommit = await failureOf('DATABASE_UNAVAILABLE', () =>
      unitOfWork.run(async ({ track }) => track(new Notebook('1')).write('x')),
    );
    const atMigrate = await failureOf('DATABASE_UNAVAILABLE', () => database.migrate());

    expect(atCommit.message).to.contain('Nothing was committed').and.to.contain('ECONNREFUSED');
    expect(atMigrate.cause).to.be.an('error');
    await pool.end();
  });

  it('does not take a transaction for committed in which an error was swallowed', async () => {
    const before = await rowsOf();

    const error = await failureOf('TRANSACTION_ROLLED_BACK', () =>
      shop.unitOfWork.run(async ({ tx }) => {
        await tx.query('select 1 / 0').catch(() => {});
      }),
    );

    expect(error.message).to.contain('swallowed').and.to.contain('savepoint');
    expect(await rowsOf()).to.equal(before);
  });

  it('leaves no head without its rows when a conflict is swallowed in a joined transaction', async () => {
    await shop.unitOfWork.run(async ({ track }) => track(new Notebook('taken')).write('first'));
    const client = await shop.pool.connect();
    await client.query('begin');
    const error = await failureOf('CONCURRENCY', () =>
      shop.unitOfWork.join(client, async ({ track }) => {
        track(new Notebook('fresh')).write('goes along');
        track(new Notebook('taken')).write('too late');
      }),
    );

    const { command } = await client.query('commit');
    client.release();

    expect(command).to.equal('ROLLBACK');
    expect(error).to.include({ stream: 'notebook-taken', expectedRevision: undefined, actualRevision: 0n });
    const fresh = await shop.unitOfWork.run(async ({ find }) => (await find(Notebook, 'fresh')) === undefined);
    expect(fresh.result).to.equal(true);
  });

  it('tells a deadlock from other errors, and repeats the work where asked', async () => {
    await shop.pool.query('create table pair (id int primary key, n int); insert into pair values (1, 0), (2, 0)');
    let waiting = 0;
    let release = (): void => {};
    const both = new Promise<void>((resolve) => (release = resolve));
    const touch = (first: number, second: number) =>
      shop.unitOfWork.run(
        async ({ tx }) => {
          await tx.query('update pair set n = n + 1 where id = $1', [first]);
          if (++waiting >= 2) release();
          await both;
          await tx.query('update pair set n = n + 1 where id = $1', [second]);
        },
        { retryOnConflict: 5 },
      );

    await Promise.all([touch(1, 2), touch(2, 1)]);

    expect((await shop.pool.query<{ n: number }>('select n from pair order by id')).rows).to.deep.equal([{ n: 2 }, { n: 2 }]);
  });

  it('is not disturbed by what others notify on its channel', async () => {
    const sink = new InMemorySink();
    const dispatcher = new Dispatcher({ database: shop.database, catalogue: [NoteWritten], routes: { disturbed: { sink, start: 'now' } } });
    await dispatcher.start();
    const listening = `select substring(query from 'listen (.*)') as channel from pg_stat_activity where datname = current_database() and query like 'listen %'`;
    const channel = await eventually('listening', async () => (await shop.pool.query<{ channel: string }>(listening)).rows[0]?.channel);

    for (const noise of ['', '{', 'null', '{"lanes":1}']) await shop.pool.query('select pg_notify($1, $2)', [channel, noise]);
    const receipt = await shop.unitOfWork.run(async ({ append }) => append('undisturbed', NoteWritten({ text: 'x' })));

    expect(await dispatcher.delivered(receipt, 'disturbed', { timeoutMs: 5_000 })).to.equal('delivered');
    await dispatcher.stop();
  });
});
