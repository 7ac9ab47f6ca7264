import { PostgresDatabase } from '@waybill/postgres';
import { anAppend, eventually } from '@waybill/testing';
import { expect } from 'chai';
import { Pool } from 'pg';
import { postgresDatabase } from '../servers.js';
import { failureOf } from '../shop/failure-of.js';

describe('the number of lanes, changed on PostgreSQL while somebody commits', () => {
  let pool: Pool;
  let database: PostgresDatabase;
  before(async () => {
    pool = new Pool({ connectionString: await postgresDatabase(), max: 12 });
    database = withLanes(4);
    await database.migrate();
  });
  after(() => pool.end());

  const withLanes = (lanes: number): PostgresDatabase => new PostgresDatabase({ pool, lanes, listen: false });
  async function waitingFor(number: number): Promise<void> {
    await eventually('somebody waiting for a lock', async () => {
      const { rows } = await pool.query<{ waiting: string }>(
        `select count(*)::text as waiting from pg_locks where not granted and database = (select oid from pg_database where datname = current_database())`,
      );
      return Number(rows[0]!.waiting) >= number || undefined;
    });
  }

  it('fails a commit that has computed the old lane and comes to write it after the change, as safe to repeat', async () => {
    const blocker = await pool.connect();
    await blocker.query('begin');
    await blocker.query('lock table waybill.outbox in row exclusive mode'); // as a commit under way
    const changing = withLanes(9).changeLanes();
    await waitingFor(1);
    const appends = Array.from({ length: 20 }, (_, nth) => anAppend(`order-${nth}`));
    const late = failureOf('TRANSACTION_CONFLICT', () => database.transactions.run((tx) => database.outbox.append(appends, tx)));
    await waitingFor(2);

    await blocker.query('commit');
    blocker.release();
    expect(await changing).to.include({ from: 4, to: 9 });

    expect((await late).message).to.contain('the number of lanes was changed meanwhile');
    await database.transactions.run((tx) => database.outbox.append(appends, tx));
    await withLanes(9).verify();
  });
});
