import { Dispatcher, UnitOfWork } from '@waybill/core';
import { InMemorySink } from '@waybill/core/in-memory';
import { startPostgres } from '@waybill/local-servers';
import type { LocalPostgres } from '@waybill/local-servers';
import { PostgresDatabase } from '@waybill/postgres';
import { HalfDelivered } from '@waybill/testing';
import { expect } from 'chai';
import { Pool } from 'pg';
import { postgresDatabase } from '../servers.js';
import { failureOf } from '../shop/failure-of.js';
import { Notebook, NoteWritten } from '../shop/notebook.js';
import { restoreDump } from './postgres-dump.js';
import { seededRandom } from './seeded-random.js';

const LANES = 4;

describe('adopting a restored outbox on PostgreSQL', function () {
  this.timeout(60_000);
  let elsewhere: LocalPostgres;
  const pools: Pool[] = [];
  before(async () => (elsewhere = await startPostgres({ url: '' })));
  after(() => elsewhere.stop());
  afterEach(async () => void (await Promise.all(pools.splice(0).map((pool) => pool.end()))));

  function open(connectionString: string): Pool {
    const pool = new Pool({ connectionString, max: 12 });
    pool.on('error', () => {});
    pools.push(pool);
    return pool;
  }
  const databaseOn = (pool: Pool, name?: string): PostgresDatabase =>
    new PostgresDatabase({ pool, lanes: LANES, listen: false, ...(name !== undefined && { name }) });

  async function original(seed: number): Promise<{ pool: Pool; database: PostgresDatabase; scene: HalfDelivered }> {
    const pool = open(await postgresDatabase());
    const database = databaseOn(pool);
    await database.migrate();
    return { pool, database, scene: await HalfDelivered.on(database, seededRandom(seed)) };
  }
  async function useUpTransactions(pool: Pool, count: number): Promise<void> {
    await pool.query(`do $$ begin for n in 1..${count} loop perform pg_current_xact_id(); commit; end loop; end $$`);
  }

  for (const [where, seed, usedUp] of [
    ['another cluster, whose transactions are far behind', 1, 3_000],
    ['another cluster, whose transactions overlap', 2, 0],
    ['another cluster, whose transactions are far ahead', 3, -20_000],
  ] as const) {
    it(`has exactly the rest delivered, in order, from a dump in ${where}`, async () => {
      if (usedUp > 0) await useUpTransactions(open(await postgresDatabase()), usedUp);
      const { pool, scene } = await original(seed);
      const copy = open(await elsewhere.createDatabase());
      if (usedUp < 0) await useUpTransactions(copy, -usedUp);
      await restoreDump(pool, copy);
      const database = databaseOn(copy);
      await failureOf('DATABASE_REPLACED', () => database.verify());

      const { routes } = await database.adopt();

      await database.verify();
      expect(Object.fromEntries(routes.map(({ route, pending }) => [route, pending]))).to.include({
        cats: scene.pendingOn('cats').length,
        world: scene.pendingOn('world').length,
      });
      await scene.commit(database, seededRandom(seed + 100));
      await scene.expectTheRestOf(database);
    });
  }

  it('has exactly the rest delivered, in order, from a dump in another database of the cluster', async () => {
    const { pool, scene } = await original(4);
    const copy = open(await postgresDatabase());
    await restoreDump(pool, copy);
    const database = databaseOn(copy);
    await failureOf('DATABASE_REPLACED', () => database.verify());

    await database.adopt();

    await database.verify();
    await scene.commit(database, seededRandom(104));
    await scene.expectTheRestOf(database);
  });

  it('has what was committed before it was adopted delivered, too', async () => {
    const { pool, scene } = await original(5);
    await useUpTransactions(pool, 2_000); // or the copy's transactions would be ahead by chance
    const { scene: later, pool: laterPool } = await original(6);
    const copy = open(await elsewhere.createDatabase());
    await restoreDump(laterPool, copy);
    const database = databaseOn(copy);
    for (let commits = 0; commits < 5; commits++) await later.commit(database, seededRandom(200 + commits));

    await database.adopt();

    await later.expectTheRestOf(database);
    expect(scene.pendingOn('world')).to.not.equal(undefined);
  });

  it('has the rest delivered when it is adopted, delivered in part, dumped and adopted again', async () => {
    const { pool, scene } = await original(7);
    const copy = open(await elsewhere.createDatabase());
    await restoreDump(pool, copy);
    await databaseOn(copy).adopt();
    await scene.expectTheRestOf(databaseOn(copy));
    await scene.commit(databaseOn(copy), seededRandom(207));
    const back = open(await postgresDatabase());
    await restoreDump(copy, back);
    await scene.commit(databaseOn(back), seededRandom(208));

    await databaseOn(back).adopt();

    await scene.expectTheRestOf(databaseOn(back));
  });

  it('waits for a commit under way, and has that of one that began before and inserts after delivered', async () => {
    const { pool, database, scene } = await original(8);
    const unitOfWork = new UnitOfWork({ database, catalogue: [NoteWritten] });
    const writer = await pool.connect();
    await writer.query('begin');
    await writer.query('select pg_current_xact_id()');

    await database.adopt();
    const receipt = await unitOfWork.join(writer, async ({ track }) => track(new Notebook('late')).write('x'));
    await writer.query('commit');
    writer.release();

    const sink = new InMemorySink();
    const dispatcher = new Dispatcher({ database, catalogue: [NoteWritten], routes: { world: { sink, order: 'global' } } });
    await dispatcher.start();
    expect(await dispatcher.delivered(receipt, 'world')).to.equal('delivered');
    await dispatcher.stop();
    expect(sink.delivered).to.have.length(scene.pendingOn('world').length + 1);
  });

  it('fences out whoever held a lane, gives the outbox a new id, and takes the name from the options', async () => {
    const { pool, database } = await original(9);
    const [held] = await database.leases.acquire({ route: 'cats', owner: 'before', leaseMs: 60_000, most: 1 });
    const { outboxId } = await database.identity.mark();

    const adoption = await databaseOn(pool, 'orders-staging').adopt();

    expect(adoption.previousId).to.equal(outboxId);
    expect(await database.identity.mark()).to.include({ outboxId: adoption.outboxId, number: 0n });
    expect(await database.leases.renew([held!.lease], 60_000)).to.deep.equal([]);
    await databaseOn(pool, 'orders-staging').verify();
    const error = await failureOf('DATABASE_REPLACED', () => databaseOn(pool, 'orders-production').verify());
    expect(error.message).to.contain('named "orders-staging"').and.to.contain('say "orders-production"');
  });

  it('keeps the name that was given first', async () => {
    const { pool } = await original(10);
    await databaseOn(pool).verify();

    await databaseOn(pool, 'orders-production').verify();

    await databaseOn(pool, 'orders-production').verify();
    await databaseOn(pool).verify();
    await failureOf('DATABASE_REPLACED', () => databaseOn(pool, 'orders-staging').verify());
  });
});
