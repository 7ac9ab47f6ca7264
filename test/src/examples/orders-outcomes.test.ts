import { expect } from 'chai';
import { DATABASES } from '@waybill/example-orders';
import type { Card, Servers } from '@waybill/example-orders';
import { setTimeout as delay } from 'node:timers/promises';
import { OrdersStage, serversFor } from './orders-stage.js';

const A_MINUTE_MS = 60_000;
const QUICK = { leaseMs: 2_000, pendingMs: 300, statusAttempts: 8 };

/** MongoDB, too, where all tests are run: its shop is killed in any case. */
const databases = process.env['WAYBILL_RACE_EVENTS'] === undefined ? (['postgres'] as const) : DATABASES;

for (const database of databases) {
  describe(`orders on ${database}`, function () {
    this.timeout(120_000);
    let servers: Servers;
    let orders: OrdersStage | undefined;
    before(async () => void (servers = await serversFor(database)));
    afterEach(() => orders?.stage.strike());
    after(() => servers?.stop());

    const started = async (unpaidMs: number): Promise<OrdersStage> => {
      orders = await OrdersStage.set(servers, database, { ...QUICK, unpaidMs });
      await Promise.all([orders.stage.shop.start(), orders.stage.shipping.start()]);
      return orders;
    };

    it('are shipped and paid once, or cancelled with the money back, whatever the payment service does', async () => {
      const shop = await started(A_MINUTE_MS);
      const ends: Readonly<Record<Exclude<Card, 'undecided'>, readonly [string, ...string[]]>> = {
        good: ['shipped', 'taken'],
        declined: ['cancelled', 'declined'],
        slow: ['shipped', 'taken'],
        'lost answer': ['shipped', 'taken'],
        'lost request': ['shipped', 'taken'],
        '500': ['shipped', 'taken'],
        '500 after taking': ['shipped', 'taken'],
        thinking: ['shipped', 'pending', 'taken'],
        'thinking, declined': ['cancelled', 'pending', 'declined'],
      };

      for (const card of Object.keys(ends) as Card[]) await shop.order({ name: card, card });
      await shop.order({ name: 'sold out', soldOut: true });
      await shop.untilQuiet();

      const expected = { ...ends, 'sold out': ['cancelled', 'taken', 'refunded'] };
      // Why is told by whoever comes first, the message or the status query.
      const found = Object.entries(await shop.ends()).map(([name, { status, money }]) => [name, [status.split(':')[0], ...money]] as const);
      expect(Object.fromEntries(found)).to.deep.equal(expected);
      expect((await shop.stage.audit()).faults).to.deep.equal([]);
    });

    it('that are paid too late are cancelled, and their money is given back, as soon as it is known that it was taken', async () => {
      const shop = await started(1);
      const { stage } = shop;
      await shop.order({ name: 'thinking', card: 'thinking' });
      await shop.order({ name: 'undecided', card: 'undecided' });
      await stage.payment.kill();
      await shop.order({ name: 'down', card: 'good' });
      await delay(1_000);
      await stage.startPayment();

      await shop.untilQuiet();

      const status = 'cancelled: not paid in time';
      expect(await shop.ends()).to.deep.equal({
        thinking: { status, money: ['pending', 'taken', 'refunded'] },
        undecided: { status, money: ['pending', 'declined'] },
        down: { status, money: ['taken', 'refunded'] },
      });
      expect(await stage.closedCases()).to.deep.equal(['cancelled at the bank']);
      expect((await stage.audit()).faults).to.deep.equal([]);
    });
  });
}
