import { UnitOfWork } from '@waybill/core';
import type { Database, Dispatcher, Moment } from '@waybill/core';
import { InMemoryDatabase } from '@waybill/core/in-memory';
import { expect } from 'chai';
import { MortalProcess } from '../chaos/mortal-process.js';
import { patiently } from '../chaos/patiently.js';
import { openShop } from '../postgres/postgres-shop.js';
import { orderEvents } from '../shop/order.js';
import { PaidOrders } from './paid-orders.js';
import { payingDispatcher, payingSink } from './paying.js';
import type { Way } from './paying.js';
import { PaymentServer } from './servers/payment-server.js';
import type { Payment } from './servers/payment-server.js';

interface Opened {
  readonly database: Database;
  close(): Promise<void>;
}

interface Scenario {
  readonly onUnknownOutcome: 'query' | 'halt';
  /** What becomes of the first orders to pay; those behind are taken well. */
  readonly trouble?: readonly Payment[];
  /** When the first dispatcher dies: at a moment, or as soon as money was taken. */
  readonly dies?: Moment | 'once-charged';
  /** Called again and again until everything is delivered. */
  readonly meanwhile?: (payments: PaymentServer) => void;
}

/** What came of two orders. */
interface Paid {
  /** How often each order was paid. */
  readonly times: readonly number[];
  readonly decisions: readonly string[];
  readonly questions: number;
  readonly died: boolean;
}

// Of one that dies no transaction may be open in another lane: nobody would roll it back.
const LANES = 1;
const ONCE_EACH = [1, 1];

const databases: Readonly<Record<string, () => Promise<Opened>>> = {
  'in memory': async () => ({ database: new InMemoryDatabase({ lanes: LANES }) as unknown as Database, close: async () => {} }),
  'on PostgreSQL': async () => {
    const { database, close } = await openShop({ lanes: LANES, max: 40 });
    return { database: database as unknown as Database, close };
  },
};

// Moments inside a transaction are for a process that is really killed, for the same reason.
const ways: readonly (readonly [Way, readonly Moment[]])[] = [
  ['an HttpSink', ['read', 'delivered', 'settled']],
  ['a two-step handler', ['read', 'called', 'delivered', 'settled']],
];

for (const [where, open] of Object.entries(databases)) {
  for (const [way, moments] of ways) {
    describe(`money that ${way} asks for, ${where}`, function () {
      this.timeout(90_000);
      const toEnd: (() => unknown)[] = [];
      let opened: Opened;
      let unitOfWork: UnitOfWork;
      let runs = 0;
      before(async () => {
        opened = await open();
        unitOfWork = new UnitOfWork({ database: opened.database, catalogue: orderEvents });
      });
      afterEach(async () => {
        for (const end of toEnd.splice(0).reverse()) await end();
      });
      after(() => opened?.close());

      async function pay({ onUnknownOutcome, trouble = [], dies, meanwhile }: Scenario): Promise<Paid> {
        const run = `run-${runs++}`;
        const payments = await PaymentServer.start();
        toEnd.push(() => payments.close());
        payments.next(...trouble);
        const orders = new PaidOrders({ run, database: opened.database, unitOfWork, payments });
        await orders.place(2);

        const start = async (process: MortalProcess): Promise<Dispatcher> => {
          const { clock, reached } = process;
          const options = { way, url: payments.url, onUnknownOutcome, database: process.database(opened.database), clock, reached };
          const dispatcher = payingDispatcher(run, options, process.sink(payingSink(options)));
          toEnd.push(() => {
            const stopped = dispatcher.stop();
            return process.isDead ? undefined : stopped; // a dead one never answers
          });
          await dispatcher.start();
          return dispatcher;
        };

        const first = new MortalProcess(dies === undefined || dies === 'once-charged' ? undefined : { moment: dies, nth: 1 });
        let dispatcher = await start(first);
        let isTakenOver = false;
        await patiently(`the end of ${run}`, async () => {
          if (dies === 'once-charged' && payments.charges.length > 0) first.die();
          if (dies !== undefined && !isTakenOver) {
            if (!first.isDead) return undefined;
            isTakenOver = true;
            dispatcher = await start(new MortalProcess());
          }
          meanwhile?.(payments);
          await orders.decide(dispatcher);
          return (await orders.areDelivered()) || undefined;
        });
        return { times: orders.times, decisions: orders.decisions, questions: payments.questions.length, died: first.isDead };
      }

      for (const then of ['hangs', 'resets', 504, 502] as const) {
        const does = typeof then === 'number' ? `answers ${then}` : then;

        it(`is taken once where the provider takes it and then ${does}, and can be asked`, async () => {
          const paid = await pay({ onUnknownOutcome: 'query', trouble: [{ charges: 'yes', then }] });

          expect(paid).to.deep.include({ times: ONCE_EACH, decisions: [] });
          expect(paid.questions).to.be.at.least(1);
        });

        it(`is taken once where the provider takes it and then ${does}, and a person is asked`, async () => {
          const paid = await pay({ onUnknownOutcome: 'halt', trouble: [{ charges: 'yes', then }] });

          expect(paid).to.deep.include({ times: ONCE_EACH, decisions: ['skip after OUTCOME_UNKNOWN'], questions: 0 });
        });

        it(`is taken in the end where the provider did not take it and ${does}`, async () => {
          const [asked, decided] = await Promise.all([
            pay({ onUnknownOutcome: 'query', trouble: [{ charges: 'no', then }] }),
            pay({ onUnknownOutcome: 'halt', trouble: [{ charges: 'no', then }] }),
          ]);

          expect(asked).to.deep.include({ times: ONCE_EACH, decisions: [] });
          expect(decided).to.deep.include({ times: ONCE_EACH, decisions: ['send after OUTCOME_UNKNOWN'] });
        });
      }

      it('is not asked for again while the provider cannot tell', async () => {
        const paid = await pay({
          onUnknownOutcome: 'query',
          trouble: [{ charges: 'yes', then: 504 }],
          meanwhile: (payments) => {
            if (payments.questions.length === 0) payments.status = 'down';
            if (payments.questions.length > 8) payments.status = 'up';
          },
        });

        expect(paid).to.deep.include({ times: ONCE_EACH, decisions: [] });
      });

      it('is not asked for again while the provider is still about to take it', async () => {
        const paid = await pay({
          onUnknownOutcome: 'query',
          trouble: [{ charges: 'later', then: 'hangs' }],
          meanwhile: (payments) => {
            if (payments.questions.length > 8) payments.catchUp();
          },
        });

        expect(paid).to.deep.include({ times: ONCE_EACH, decisions: [] });
        expect(paid.questions).to.be.above(8);
      });

      for (const onUnknownOutcome of ['query', 'halt'] as const) {
        const who = onUnknownOutcome === 'query' ? 'the provider' : 'a person';

        it(`is taken once where the process dies while the provider hangs, or after a lost answer, and ${who} is asked`, async () => {
          const scenarios: readonly Scenario[] = [
            { onUnknownOutcome, trouble: [{ charges: 'yes', then: 'hangs' }], dies: 'once-charged' },
            { onUnknownOutcome, trouble: [{ charges: 'yes', then: 'resets' }], dies: 'delivered' },
            { onUnknownOutcome, trouble: [{ charges: 'yes', then: 504 }], dies: 'delivered' },
          ];

          for (const paid of await Promise.all(scenarios.map(pay))) expect(paid).to.deep.include({ times: ONCE_EACH, died: true });
        });

        it(`is taken once at whatever moment the process dies, and ${who} is asked`, async () => {
          const all = await Promise.all(moments.map((dies) => pay({ onUnknownOutcome, dies })));

          for (const [nth, paid] of all.entries()) expect(paid, moments[nth]).to.deep.include({ times: ONCE_EACH, died: true });
        });
      }
    });
  }
}
