import { Dispatcher, UnitOfWork } from '@waybill/core';
import type { Database, Moment } from '@waybill/core';
import { InMemoryDatabase } from '@waybill/core/in-memory';
import { expect } from 'chai';
import { openShop as openMongoDBShop } from '../mongodb/mongodb-shop.js';
import { openShop as openPostgresShop } from '../postgres/postgres-shop.js';
import { Order, orderEvents } from '../shop/order.js';
import { checkHistory } from './history-checker.js';
import { MortalProcess } from './mortal-process.js';
import { patiently } from './patiently.js';
import { RecordingSink } from './recording-sink.js';
import { storyOf } from './story.js';
import { rowsOf } from './writers.js';

interface Opened {
  readonly database: Database;
  close(): Promise<void>;
}

type Policy = 'halt' | 'park-stream';

const LANES = 2;
const LEASE_MS = 1_500;
const BATCH = 2;
const SIDE_BY_SIDE = 6;
const moments: readonly Moment[] = ['read', 'delivered', 'settled'];

/** Orders, and how many notes each has. */
const orders = { a: 5, b: 3, c: 1, bad: 3 };

const databases: Readonly<Record<string, () => Promise<Opened>>> = {
  'in memory': async () => ({ database: new InMemoryDatabase({ lanes: LANES }) as unknown as Database, close: async () => {} }),
  'on PostgreSQL': async () => {
    const { database, close } = await openPostgresShop({ lanes: LANES });
    return { database: database as unknown as Database, close };
  },
  'on MongoDB': async () => {
    const { waybill, close } = await openMongoDBShop({ lanes: LANES });
    return { database: waybill as unknown as Database, close };
  },
};

for (const [where, open] of Object.entries(databases)) {
  describe(`dispatchers that die at any moment, ${where}`, function () {
    this.timeout(120_000);
    const started: { readonly process: MortalProcess; readonly dispatcher: Dispatcher }[] = [];
    let opened: Opened;
    let unitOfWork: UnitOfWork;
    before(async () => {
      opened = await open();
      unitOfWork = new UnitOfWork({ database: opened.database, catalogue: orderEvents });
    });
    afterEach(() => {
      for (const { process, dispatcher } of started.splice(0)) {
        process.die();
        void dispatcher.stop(); // of a dead one: it ends what the adapter has opened, and never answers
      }
    });
    after(() => opened?.close());

    async function commitNotes(run: string): Promise<readonly string[]> {
      for (const [order, notes] of Object.entries(orders)) {
        const id = `${run}-${order}`;
        for (let nth = 0; nth < notes; nth++)
          await unitOfWork.run(async ({ find, track }) => ((await find(Order, id)) ?? track(new Order(id))).note(`${order} ${nth}`));
      }
      return Object.keys(orders).map((order) => `order-${run}-${order}`);
    }

    /** A small run under a route of its own: a dispatcher that may die, and then another, which must finish. */
    async function runOf(run: string, policy: Policy, first: MortalProcess): Promise<void> {
      const streams = await commitNotes(run);
      const sink = new RecordingSink();
      const parked = policy === 'park-stream' ? streams.slice(-1) : [];
      sink.refuse(({ stream }) => parked.includes(stream));
      const rows = (await rowsOf(opened.database, streams)).filter(({ stream }) => !parked.includes(stream));
      const isDone = async (): Promise<true | undefined> => {
        if (!rows.every(({ stream, id }) => sink.ids(stream).includes(id))) return undefined; // first, for it costs the database nothing
        const stopped = await opened.database.status.stopped({ route: run, state: 'parked', most: 10 });
        if (stopped.length < parked.length) return undefined;
        const lanes = (await opened.database.status.lanes()).filter(({ route }) => route === run);
        return lanes.every(({ pending }) => pending === 0) || undefined;
      };
      const start = async (process: MortalProcess): Promise<Dispatcher> => {
        const dispatcher = new Dispatcher({
          ...{ database: process.database(opened.database), clock: process.clock, reached: process.reached },
          ...{ catalogue: orderEvents, leaseMs: LEASE_MS, pollMs: 50 },
          routes: {
            [run]: {
              ...{ sink: process.sink(sink), streams: [`order-${run}-`], batch: { size: BATCH }, start: 'beginning' },
              ...{ onFailure: policy, retry: { attempts: 2, firstMs: 1, maxMs: 2 } },
            },
          },
        });
        started.push({ process, dispatcher });
        await dispatcher.start();
        return dispatcher;
      };

      const dispatcher = await start(first);
      await patiently(`the end of ${run}, or its crash`, async () => first.isDead || isDone());
      if (!first.isDead) await dispatcher.stop();
      else {
        const second = await start(new MortalProcess());
        await patiently(`the end of ${run} after the crash`, isDone);
        await second.stop();
      }

      const stored = new Map(rows.map(({ stream }) => [stream, sink.ids(stream)]));
      const history = { attempts: [], rows, deliveries: sink.deliveries, stored, batchSize: BATCH };
      for (const violation of checkHistory(history).violations) expect.fail(`${run}: ${storyOf(violation, history)}`);
      for (const stream of parked) expect(sink.ids(stream)).to.deep.equal([]);
    }

    for (const policy of ['halt', 'park-stream'] as const) {
      it(`lose nothing and keep the order, at whichever time, and the next one finishes, with the policy ${policy}`, async () => {
        const calm = new MortalProcess();
        await runOf(`${policy}-calm`, policy, calm);
        const deaths = moments.flatMap((moment) =>
          Array.from({ length: calm.moments.get(moment) ?? 0 }, (_, nth) => ({ moment, nth: nth + 1 })),
        );
        const asked = deaths.length;
        expect(asked).to.be.at.least(moments.length * 4);

        let crashes = 0;
        const oneAfterTheOther = async (): Promise<void> => {
          for (let death = deaths.pop(); death; death = deaths.pop()) {
            const mortal = new MortalProcess(death);
            await runOf(`${policy}-${death.moment}-${death.nth}`, policy, mortal);
            if (mortal.isDead) crashes++;
          }
        };
        await Promise.all(Array.from({ length: SIDE_BY_SIDE }, oneAfterTheOther));

        // Lanes run side by side: which pages there are differs a little from run to run.
        expect(crashes).to.be.at.least(asked / 2);
      });
    }
  });
}
