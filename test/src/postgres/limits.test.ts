import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { PostgresDatabase } from '@waybill/postgres';
import { isWaiting } from '@waybill/testing';
import { expect } from 'chai';
import { Pool } from 'pg';
import { postgresDatabase } from '../servers.js';
import { openShop } from './postgres-shop.js';

const permitMs = 60_000;

describe('shared limits on PostgreSQL', function () {
  this.timeout(20_000);

  it('let askers of one name wait for each other, and no others', async () => {
    const { pool, database, close } = await openShop();
    const asking = (name: string): Promise<unknown> => database.limits.acquire({ name, permit: randomUUID(), concurrency: 5, permitMs });
    for (const name of ['busy', 'quiet']) await asking(name);
    const other = await pool.connect();
    await other.query('begin');
    await other.query(`select * from waybill.shared_limit where name = 'busy' for update`);

    const behind = asking('busy');
    expect(await asking('quiet')).to.deep.equal({ granted: true });
    expect(await isWaiting(behind)).to.equal(true);

    await other.query('commit');
    other.release();
    expect(await behind).to.deep.equal({ granted: true });
    await close();
  });

  for (const level of ['read committed', 'repeatable read', 'serializable']) {
    it(`hold for racers where the default isolation level is ${level}`, async () => {
      const url = await postgresDatabase();
      const pool = new Pool({ connectionString: url, max: 20, options: `-c default_transaction_isolation=${level.replace(' ', '\\ ')}` });
      const database = new PostgresDatabase({ pool });
      await database.migrate();
      let [inUse, most, done] = [0, 0, 0];
      const racer = async (): Promise<void> => {
        for (let calls = 0; calls < 5;) {
          const permit = randomUUID();
          const { granted } = await database.limits.acquire({ name: 'one', permit, concurrency: 2, permitMs });
          if (!granted) {
            await sleep(2);
            continue;
          }
          most = Math.max(most, ++inUse);
          await sleep(1);
          inUse--;
          await database.limits.release('one', permit);
          calls++;
          done++;
        }
      };

      await Promise.all(Array.from({ length: 8 }, racer));

      expect(done).to.equal(40);
      expect(most).to.be.within(1, 2);
      await pool.end();
    });
  }

  it('are filled on from where they are when the clock has gone back', async () => {
    const { pool, database, close } = await openShop();
    const asking = async (): Promise<boolean> =>
      (await database.limits.acquire({ name: 'one', permit: randomUUID(), rate: { limit: 1, perMs: 50, burst: 1 }, permitMs })).granted;
    await asking();
    await pool.query(`update waybill.shared_limit set filled_at = clock_timestamp() + interval '1 hour', tokens = 0`);

    expect(await asking()).to.equal(false);
    await sleep(60);
    expect(await asking()).to.equal(true);
    await close();
  });
});
