import { PostgresDatabase } from '@waybill/postgres';
import { deliverAll, leaseRoute } from '@waybill/testing';
import { expect } from 'chai';
import { Pool } from 'pg';
import { postgresDatabase } from '../servers.js';
import { failureOf } from '../shop/failure-of.js';
import { LANES_OF_VERSION_1, outboxOfVersion1 } from './outbox-of-version-1.js';

describe('an outbox on PostgreSQL that version 1 made', () => {
  let pool: Pool;
  let database: PostgresDatabase;
  beforeEach(async () => {
    pool = new Pool({ connectionString: await postgresDatabase(), max: 4 });
    await outboxOfVersion1(pool);
    database = new PostgresDatabase({ pool, lanes: LANES_OF_VERSION_1 });
  });
  afterEach(() => pool.end());

  it('is refused until it is migrated', async () => {
    const error = await failureOf('SCHEMA_MISMATCH', () => database.verify());

    expect(error.message).to.contain('version 1').and.to.contain('database.migrate()');
  });

  it('keeps every place, failure and order when several processes migrate it at once', async () => {
    const other = new PostgresDatabase({ pool, lanes: LANES_OF_VERSION_1 });

    await Promise.all([database, other, database].map((process) => process.migrate()));

    await other.verify();
    const [done, halted] = await database.status.lanes();
    expect(done).to.deep.include({ lane: 0, state: 'running', failure: undefined, pending: 0, stopped: 0, suspects: 0, epoch: 7n });
    expect(halted).to.deep.include({ lane: 1, state: 'halted', pending: 3, epoch: 3n });
    expect(halted!.failure).to.include({ stream: 'bad-2', revision: 0n, attempts: 10, error: 'no such account' });
    const [order] = await database.actions.recorded('mail', 10);
    expect(order).to.include({ kind: 'resume', reason: 'looked at it', outcome: 'done' });
  });

  it('delivers the rest, and has a line for every message from before', async () => {
    await database.migrate();
    const statuses = async (stream: string) => (await database.status.messages({ stream })).map(({ type, status }) => `${type} ${status}`);
    const before = [await statuses('done-1'), await statuses('bad-2')];

    const delivered = await deliverAll(await leaseRoute(database, { name: 'mail', start: 'beginning' }));

    expect(before).to.deep.equal([
      ['A DONE', 'B DONE'],
      ['C FAILED', 'D FAILED'],
    ]);
    expect(delivered.map(({ type }) => type)).to.deep.equal(['C', 'D', 'E']);
    expect(await statuses('bad-2')).to.deep.equal(['C DONE', 'D DONE']);
  });

  it('is not rewritten: what an upgrade of a large outbox takes is its index', async () => {
    const fileOf = async (): Promise<unknown> => (await pool.query(`select pg_relation_filenode('waybill.outbox') as file`)).rows[0];
    const before = await fileOf();

    await database.migrate();

    expect(await fileOf()).to.deep.equal(before);
  });

  it('goes on in sessions that have read lanes before', async () => {
    const session = new Pool({ connectionString: pool.options.connectionString, max: 1 });
    const read = async (): Promise<number> =>
      (await session.query(`select * from waybill.read_lane(1, '1:1:', null, 0, '0', null, null, 10)`)).rows.length;
    const before = await read();

    await database.migrate();

    expect([before, await read()]).to.deep.equal([3, 3]);
    await session.end();
  });
});
