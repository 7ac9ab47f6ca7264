import { expect } from 'chai';
import { UnitOfWork } from '@waybill/core';
import { PostgresDatabase } from '@waybill/postgres';
import { Pool } from 'pg';
import { postgresDatabase } from '../servers.js';
import { Order, orderEvents } from '../shop/order.js';

describe('the pulse of postgres', () => {
  let pool: Pool;
  let database: PostgresDatabase;

  before(async () => {
    pool = new Pool({ connectionString: await postgresDatabase() });
    database = new PostgresDatabase({ pool });
    await database.migrate();
    await pool.query('create table somebody_elses (number integer)');
  });

  after(() => pool.end());

  it('stands still while others write, and while leases are renewed', async () => {
    await database.routes.save({ name: 'route', order: 'stream', selection: {}, start: 'beginning' });
    const pulse = await database.wakeUps.pulse();

    await pool.query('insert into somebody_elses values (1)');
    const grants = await database.leases.acquire({ route: 'route', owner: 'me', leaseMs: 10_000, most: 16 });
    await database.leases.renew(
      grants.map(({ lease }) => lease),
      10_000,
    );

    expect(await database.wakeUps.pulse()).to.equal(pulse);
  });

  it('changes when a transaction that has drawn its positions before ends, whatever it does in between', async () => {
    const unitOfWork = new UnitOfWork({ database, catalogue: orderEvents });
    const pulses: string[] = [];
    await database.transactions.run(async (tx) => {
      await unitOfWork.join(tx, async ({ track }) => track(Order.placed('7')));
      pulses.push(await database.wakeUps.pulse());
      await tx.query('savepoint later');
      await tx.query('rollback to savepoint later');
      pulses.push(await database.wakeUps.pulse());
    });
    pulses.push(await database.wakeUps.pulse());

    expect(pulses[1]).to.equal(pulses[0]);
    expect(pulses[2]).to.not.equal(pulses[1]);
  });
});
