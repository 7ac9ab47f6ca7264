import { defineEvent, Dispatcher, unchecked, UnitOfWork } from '@waybill/core';
import { InMemorySink } from '@waybill/core/in-memory';
import { MongoDBEmulator } from '@waybill/mongodb-emulator';
import { eventually } from '@waybill/testing';
import { expect } from 'chai';
import { failureOf } from '../shop/failure-of.js';
import { mongodbDatabase } from '../servers.js';
import { openShop } from './mongodb-shop.js';
import type { Address, MongoDBShop } from './mongodb-shop.js';

const Counted = defineEvent('Counted', unchecked<{ nth: number }>());

/** What one process may expect while another one writes without a pause, or has died badly. */
describe('several processes on one MongoDB', function () {
  this.timeout(60_000);
  let at: Address;
  let busy: MongoDBShop;
  let other: MongoDBShop;
  beforeEach(async () => {
    at = await mongodbDatabase();
    [busy, other] = [await openShop({ at, changeStream: false }), await openShop({ at, changeStream: false })];
  });
  afterEach(async () => {
    await busy.close();
    await other.close();
  });

  const unitOfWorkOf = ({ waybill }: MongoDBShop): UnitOfWork<never> =>
    new UnitOfWork({ database: waybill, catalogue: [Counted] }) as unknown as UnitOfWork<never>;

  /** Writers that never pause, in a process that numbers what it writes, while `act` is under way. */
  async function whileWriting<Result>(act: () => Promise<Result>): Promise<Result> {
    let isOver = false;
    const unitOfWork = unitOfWorkOf(busy);
    const writing = Array.from({ length: 6 }, async (_, writer) => {
      for (let nth = 0; !isOver; nth++) await unitOfWork.run(async ({ append }) => append(`${writer}-${nth % 20}`, Counted({ nth })));
    });
    const numbering = (async () => {
      while (!isOver) await busy.waybill.wakeUps.pulse();
    })();
    try {
      await eventually('writing to begin', async () => ((await busy.waybill.wakeUps.pulse()) !== '0' ? true : undefined));
      return await act();
    } finally {
      isOver = true;
      await Promise.all([...writing, numbering]);
    }
  }

  it('one that holds no lease of the sequencer reads all the same', async () => {
    const pulses = await whileWriting(async () => {
      const seen: number[] = [];
      for (let nth = 0; nth < 20; nth++) seen.push(Number(await other.waybill.wakeUps.pulse()));
      return seen;
    });

    expect(new Set(pulses).size).to.be.above(5);
  });

  it('one that starts is not told that the database was replaced', async () => {
    await whileWriting(async () => {
      for (let nth = 0; nth < 30; nth++) await other.waybill.verify();
    });
  });

  it('one can ask how lanes are doing while another saves a route', async () => {
    const saving = Array.from({ length: 10 }, (_, nth) =>
      busy.waybill.routes.save({ name: `route-${nth}`, order: 'stream', selection: {}, start: 'beginning' }),
    );
    const asking = Array.from({ length: 10 }, () => other.waybill.status.lanes());

    await Promise.all([...saving, ...asking]);

    expect(await other.waybill.status.lanes()).to.have.length(160);
  });

  it('a lease that runs for longer than any can is free: a clock has gone back', async () => {
    await unitOfWorkOf(busy).run(async ({ append }) => append('a', Counted({ nth: 0 })));
    await busy.waybill.wakeUps.pulse();
    await busy.db
      .collection<{ _id: string }>('waybill_sequencer')
      .updateOne({ _id: 'sequencer' }, { $set: { leaseUntil: new Date(Date.now() + 3_600_000) } });
    await unitOfWorkOf(other).run(async ({ append }) => append('a', Counted({ nth: 1 })));

    expect(await other.waybill.wakeUps.pulse()).to.equal('2');
  });

  it('a counter that was removed is told, not waited for', async () => {
    await unitOfWorkOf(busy).run(async ({ append }) => append('a', Counted({ nth: 0 })));
    await busy.db.collection<{ _id: string }>('waybill_sequencer').deleteOne({ _id: 'sequencer' });
    const dispatcher = new Dispatcher({
      database: other.waybill,
      catalogue: [Counted],
      routes: { all: { sink: new InMemorySink(), start: 'beginning' } },
    });

    const reading = await failureOf('SCHEMA_MISMATCH', () => other.waybill.wakeUps.pulse());
    await failureOf('DATABASE_REPLACED', () => dispatcher.start());

    expect(reading.message).to.contain('waybill_sequencer').and.to.contain('counter');
  });

  it('a dispatcher that stops gives the lease of the sequencer back at once', async () => {
    const dispatcher = new Dispatcher({ database: busy.waybill, catalogue: [Counted], routes: { all: { sink: new InMemorySink() } } });
    await dispatcher.start();
    const receipt = await unitOfWorkOf(busy).run(async ({ append }) => append('a', Counted({ nth: 0 })));
    await dispatcher.delivered(receipt, 'all');
    await dispatcher.stop();

    const counter = await other.db.collection<{ _id: string; leaseUntil: Date }>('waybill_sequencer').findOne({ _id: 'sequencer' });

    expect(counter!.leaseUntil.getTime()).to.be.at.most(Date.now() + 100);
  });

  it('runs that are aborted before they begin leave no session behind', async () => {
    const sessions = (): number => (busy.client as unknown as { s: { activeSessions: Set<unknown> } }).s.activeSessions.size;
    const before = sessions();

    for (let nth = 0; nth < 50; nth++) await busy.waybill.transactions.run(async () => {}, AbortSignal.abort()).catch(() => {});

    expect(sessions()).to.equal(before);
  });

  // Needs a server whose answers can be doctored: the emulator.
  it('MongoDB 8 that runs as 7 takes appends in two commands, from the start and when it begins to', async () => {
    const emulator = await MongoDBEmulator.start();
    const refuse = (shop: MongoDBShop): Promise<unknown> =>
      shop.client.db('admin').command({
        configureFailPoint: 'failCommand',
        mode: 'alwaysOn',
        data: { failCommands: ['bulkWrite'], errorCode: 115 },
      });
    const shop = await openShop({ at: { url: emulator.url, database: 'older' } });
    const append = (nth: number): Promise<unknown> => unitOfWorkOf(shop).run(async (scope) => scope.append('a', Counted({ nth })));
    await append(0);

    await refuse(shop);
    await append(1);
    const again = await openShop({ at: { url: emulator.url, database: 'older' } });
    await unitOfWorkOf(again).run(async (scope) => scope.append('a', Counted({ nth: 2 })));

    expect(await shop.waybill.wakeUps.pulse()).to.equal('3');
    await Promise.all([shop.close(), again.close()]);
    await emulator.stop();
  });
});
