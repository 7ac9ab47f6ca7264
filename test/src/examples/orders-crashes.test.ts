import { expect } from 'chai';
import type { DatabaseKind, Death, Servers } from '@waybill/example-orders';
import { OrdersStage, serversFor } from './orders-stage.js';

const TIMES = { leaseMs: 2_000, pendingMs: 1_000, statusAttempts: 30, unpaidMs: 120_000 };

const isLongRun = process.env['WAYBILL_CRASH_TIMES'] !== undefined;

/** Where the shop is killed: everywhere that something is half done, at one step of an order after the other. */
const deaths: Readonly<Record<DatabaseKind, readonly Death[]>> = {
  postgres: [
    ...(isLongRun
      ? ([
          { moment: 'read', nth: 1 },
          { moment: 'claimed', nth: 2 },
        ] as const)
      : []),
    { moment: 'called', nth: 1 },
    { moment: 'handled', nth: 3 },
    ...(isLongRun
      ? ([
          { moment: 'projected', nth: 4 },
          { moment: 'appended', nth: 2 },
        ] as const)
      : []),
    { moment: 'committed', nth: 3 },
    { moment: 'delivered', nth: 2 },
    { moment: 'settled', nth: 3 },
  ],
  // In the middle of a transaction once: what a killed process has locked, the server keeps locked for 3 s.
  mongodb: [
    { moment: 'called', nth: 1 },
    { moment: 'handled', nth: 2 },
    { moment: 'committed', nth: 2 },
  ],
};

for (const [database, all] of (Object.entries(deaths) as [DatabaseKind, readonly Death[]][]).filter(
  ([kind]) => isLongRun || kind === 'postgres',
)) {
  describe(`orders on ${database} whose shop is killed`, function () {
    this.timeout(180_000);
    let servers: Servers;
    let orders: OrdersStage;
    before(async () => {
      servers = await serversFor(database);
      orders = await OrdersStage.set(servers, database, TIMES);
      await orders.stage.shipping.start();
    });
    after(async () => {
      await orders?.stage.strike();
      await servers?.stop();
    });

    for (const death of all)
      it(`at "${death.moment}", time ${death.nth}, and then goes on`, async () => {
        const ended = await orders.shopUntil(death, async () => {
          await orders.order({ name: `${death.moment}, good` });
          await orders.order({ name: `${death.moment}, sold out`, soldOut: true });
        });

        expect(ended).to.equal('SIGKILL');
      });

    it('are each paid and shipped once, or given back, when it is left alone', async () => {
      await orders.stage.shop.start();
      await orders.untilQuiet(); // a person lets go on what three of these processes have died at

      const ends = Object.entries(await orders.ends());
      expect(ends).to.have.length(2 * all.length);
      for (const [name, { status, money }] of ends)
        expect([status, ...money], name).to.deep.equal(
          name.endsWith('good') ? ['shipped', 'taken'] : ['cancelled: sold out', 'taken', 'refunded'],
        );
      expect((await orders.stage.audit()).faults).to.deep.equal([]);
    });
  });
}
