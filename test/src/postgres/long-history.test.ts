import { aMessage, anAppend, anAttempt, leaseRoute, settleLane } from '@waybill/testing';
import { expect } from 'chai';
import { openShop } from './postgres-shop.js';
import type { PostgresShop } from './postgres-shop.js';

const LINES = 30_000;
const IN_A_BATCH = 5;

describe(`the history of a lane with ${LINES} later lines`, function () {
  this.timeout(120_000);
  let shop: PostgresShop;
  const [soon, between, late] = [aMessage(), aMessage(), aMessage()];
  before(async () => {
    shop = await openShop({ lanes: 1 });
    const { transactions, outbox } = shop.database;
    const streams = [soon, between, late].map((message, nth) => anAppend(`s-${nth}`, { messages: [message] }));
    await transactions.run((tx) => outbox.append(streams, tx));
    const route = await leaseRoute(shop.database, { name: 'busy' }); // past all of them
    await settleLane(route, route.held[0]!, { attempts: [anAttempt([soon.id])] });
    await batches(LINES / 2);
    await settleLane(route, route.held[0]!, { attempts: [anAttempt([between.id])] });
    await batches(LINES / 2);
    await settleLane(route, route.held[0]!, { attempts: [anAttempt([late.id])] });
    await shop.pool.query('vacuum analyze');
  });
  after(() => shop.close());

  const batches = (number: number): Promise<unknown> =>
    shop.pool.query(
      `insert into waybill.delivery_history (route_number, lane, at, instance, outcome, message_ids, started_at, duration_ms)
       select 1, 0, clock_timestamp(), 'one', 'delivered', array(select gen_random_uuid() from generate_series(1, $2) where n > 0), now(), 1
       from generate_series(1, $1::integer) as n`,
      [number, IN_A_BATCH],
    );

  for (const [what, message, known] of [
    ['tells of a message that was delivered soon after its commit', soon, true],
    ['tells of a message that was delivered just now, after its stream had been stopped for long', late, true],
    ['is not looked through to its end for one that was delivered neither soon nor lately', between, false],
  ] as const) {
    it(what, async () => {
      const [line] = await shop.database.status.messages({ messageId: message.id });
      const attempts = await shop.database.status.attempts({ messageId: message.id });

      expect(line).to.include({ status: 'DONE' });
      expect([line!.processedAt !== undefined, attempts.length === 1]).to.deep.equal([known, known]);
    });
  }
});
