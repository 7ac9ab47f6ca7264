import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { UnitOfWork } from '@waybill/core';
import type { Database, Dispatcher, Moment } from '@waybill/core';
import { MongoDBEmulator } from '@waybill/mongodb-emulator';
import { expect } from 'chai';
import { patiently } from '../chaos/patiently.js';
import { openShop as openMongoDBShop } from '../mongodb/mongodb-shop.js';
import { openShop as openPostgresShop } from '../postgres/postgres-shop.js';
import { orderEvents } from '../shop/order.js';
import { PaidOrders } from './paid-orders.js';
import type { PayerOrder } from './payer-order.js';
import { payingDispatcher } from './paying.js';
import type { Way } from './paying.js';
import { PaymentServer } from './servers/payment-server.js';

const LANES = 2;
const PROGRAM = fileURLToPath(new URL('payer-process.js', import.meta.url));

interface Shop {
  readonly at: PayerOrder['at'];
  readonly database: Database;
  close(): Promise<void>;
}

async function onPostgres(): Promise<Shop> {
  const { url, database, close } = await openPostgresShop({ lanes: LANES });
  return { at: url, database: database as unknown as Database, close };
}

/**
 * The claim that a killed process has open stays locked until the server gives its transaction up: after its `transactionLifetimeLimitSeconds`,
 * which is 60 where nobody has said otherwise. Here it is an emulator of its own, which does so after a second.
 */
async function onMongoDB(): Promise<Shop> {
  const emulator = await MongoDBEmulator.start({ transactionLifetimeMs: 1_000 });
  const { url, database, waybill, close } = await openMongoDBShop({ at: { url: emulator.url, database: 'payers' }, lanes: LANES });
  return {
    at: { url, database },
    database: waybill as unknown as Database,
    close: async () => {
      await close();
      await emulator.stop();
    },
  };
}

const cases: readonly (readonly [Way, string, () => Promise<Shop>, readonly Moment[]])[] = [
  ['an HttpSink', 'PostgreSQL', onPostgres, ['delivered']],
  ['a two-step handler', 'PostgreSQL', onPostgres, ['called', 'claimed', 'handled', 'delivered']],
  ['a two-step handler', 'MongoDB', onMongoDB, ['called', 'claimed', 'handled']],
];

for (const [way, where, open, moments] of cases) {
  describe(`money that ${way} asks for on ${where} in a process that is killed`, function () {
    this.timeout(60_000);
    let shop: Shop;
    let database: Database;
    let payments: PaymentServer;
    let child: ChildProcess | undefined;
    let dispatcher: Dispatcher | undefined;
    let runs = 0;
    before(async () => {
      shop = await open();
      database = shop.database;
    });
    beforeEach(async () => void (payments = await PaymentServer.start()));
    afterEach(async () => {
      child?.kill('SIGKILL');
      await dispatcher?.stop();
      await payments.close();
    });
    after(() => shop?.close());

    /** Pays three orders: one process begins, and when it was killed, a dispatcher in this one goes on. */
    async function pay(
      onUnknownOutcome: 'query' | 'halt',
      { killAt, kill }: { readonly killAt?: Moment; readonly kill?: () => true | undefined },
    ): Promise<PaidOrders> {
      const run = `run-${runs++}`;
      const orders = new PaidOrders({ run, database, unitOfWork: new UnitOfWork({ database, catalogue: orderEvents }), payments });
      await orders.place(3);
      const order = { way, url: payments.url, onUnknownOutcome };
      const told: PayerOrder = { ...order, at: shop.at, lanes: LANES, run, ...(killAt && { killAt }) };
      child = fork(PROGRAM, [JSON.stringify(told)]);
      const ended = once(child, 'exit');
      if (kill) {
        await patiently('the moment to kill the process', kill);
        child.kill('SIGKILL');
      }
      expect(await ended).to.deep.equal([null, 'SIGKILL']);

      const next = (dispatcher = payingDispatcher(run, { ...order, database }));
      await next.start();
      await patiently(`the end of ${run}`, async () => {
        await orders.decide(next);
        return (await orders.areDelivered()) || undefined;
      });
      return orders;
    }

    for (const onUnknownOutcome of ['query', 'halt'] as const) {
      const who = onUnknownOutcome === 'query' ? 'the provider' : 'a person';

      it(`is taken once where that is while the provider has it and hangs, and ${who} is asked`, async () => {
        payments.next({ charges: 'yes', then: 'hangs' });

        const { times } = await pay(onUnknownOutcome, { kill: () => (payments.charges.length > 0 ? true : undefined) });

        expect(times).to.deep.equal([1, 1, 1]);
      });

      // Who is asked makes no difference to an open transaction, and each test takes seconds.
      const isOnceEnough = where === 'MongoDB' && onUnknownOutcome === 'halt';
      for (const killAt of isOnceEnough ? moments.slice(0, 1) : moments) {
        it(`is taken once where that is at "${killAt}", and ${who} is asked`, async () => {
          expect((await pay(onUnknownOutcome, { killAt })).times).to.deep.equal([1, 1, 1]);
        });
      }
    }
  });
}
