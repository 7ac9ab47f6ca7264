import { isWaybillError } from '@waybill/core';
import { InMemorySink } from '@waybill/core/in-memory';
import { MongoDBEmulator } from '@waybill/mongodb-emulator';
import { eventually } from '@waybill/testing';
import { expect } from 'chai';
import type { Document } from 'mongodb';
import { setTimeout as sleep } from 'node:timers/promises';
import { failureOf } from '../shop/failure-of.js';
import { aRunningDispatcher, next, stopDispatchers } from '../shop/dispatching.js';
import { Notebook, NoteWritten } from '../shop/notebook.js';
import { MongoDBDoor } from './mongodb-door.js';
import { openShop } from './mongodb-shop.js';
import type { MongoDBShop, ShopOptions } from './mongodb-shop.js';

// These need a server of their own, which can be killed, stepped down and robbed of its history: the emulator.
describe('bad days of a MongoDB', function () {
  this.timeout(90_000);
  let emulator: MongoDBEmulator;
  const shops: MongoDBShop[] = [];
  beforeEach(async () => void (emulator = await MongoDBEmulator.start()));
  stopDispatchers();
  afterEach(async () => {
    for (const shop of shops.splice(0)) await shop.close();
    await emulator.stop();
  });

  async function open(options: ShopOptions = {}): Promise<MongoDBShop> {
    const shop = await openShop({ at: { url: emulator.url, database: 'bad_days' }, ...options });
    shops.push(shop);
    return shop;
  }
  const failAt = (shop: MongoDBShop, data: Document, mode: unknown = { times: 1 }): Promise<unknown> =>
    shop.client.db('admin').command({ configureFailPoint: 'failCommand', mode, data });
  const textsOf = async (shop: MongoDBShop, id: string): Promise<readonly string[] | undefined> =>
    (await shop.unitOfWork.run(async ({ find }) => (await find(Notebook, id))?.texts)).result;

  /** Writes notes one after the other, each until it is confirmed, under a key that makes a repeat harmless. */
  async function writeAll(shop: MongoDBShop, id: string, notes: number, pauseMs = 0): Promise<void> {
    const giveUpAt = performance.now() + 40_000;
    for (let note = 0; note < notes && performance.now() < giveUpAt;) {
      try {
        await shop.unitOfWork.run(
          async ({ find, track }) => ((await find(Notebook, id)) ?? track(new Notebook(id))).write(`note ${note}`),
          {
            idempotencyKey: `${id} ${note}`,
          },
        );
        note++;
        await sleep(pauseMs);
      } catch (error) {
        const mayRepeat = ['DATABASE_UNAVAILABLE', 'COMMIT_OUTCOME_UNKNOWN', 'TRANSACTION_CONFLICT'] as const;
        if (!mayRepeat.some((code) => isWaybillError(error, code))) throw error;
      }
    }
  }

  async function survive(disturb: () => Promise<unknown>, times: number): Promise<void> {
    const shop = await open({ clientOptions: { serverSelectionTimeoutMS: 5_000, heartbeatFrequencyMS: 500 } });
    const sink = new InMemorySink({ needsWholeStreams: true });
    const dispatcher = await aRunningDispatcher({
      database: shop.waybill,
      catalogue: [NoteWritten],
      routes: { memory: { sink, retry: { firstMs: 5, maxMs: 20 } } },
      pollMs: 50,
      leaseMs: 3_000,
    });
    const [notebooks, notes] = [4, 12];

    const writing = Array.from({ length: notebooks }, (_, id) => writeAll(shop, String(id), notes, 10));
    const disturbing = (async () => {
      for (let nth = 0; nth < times; nth++) {
        await sleep(100 + 37 * nth);
        await disturb();
      }
    })();
    await Promise.all([...writing, disturbing]);

    const expected = Array.from({ length: notes }, (_, note) => `note ${note}`);
    for (let id = 0; id < notebooks; id++) {
      await eventually(`delivery of notebook ${id}`, async () => sink.events(`notebook-${id}`).length === notes || undefined);
      expect(sink.events(`notebook-${id}`).map(({ data }) => (data as { text: string }).text)).to.deep.equal(expected);
      // The client may still hold connections to the server that died.
      const stored = await eventually('reading it back', () => textsOf(shop, String(id)).catch(() => undefined));
      expect(stored).to.deep.equal(expected);
    }
    await dispatcher.stop();
  }

  it('kills and restarts with all that was written lose, double and reorder nothing', () => survive(() => emulator.restart(), 4));

  it('kills that take with them what had not been acknowledged lose, double and reorder nothing', () =>
    survive(() => emulator.restart({ loseUnacknowledged: true }), 4));

  it('step-downs lose, double and reorder nothing', () => survive(() => emulator.stepDown(200), 4));

  for (const [what, fault] of [
    ['the primary steps down during the commit', { errorCode: 11602, errorLabels: ['RetryableWriteError'] }],
    ['the connection is lost at the commit', { closeConnection: true }],
    ['the commit is not acknowledged by a majority', { writeConcernError: { code: 64, errmsg: 'waiting for replication timed out' } }],
    ['the server is too busy', { errorCode: 462, errorLabels: ['SystemOverloadedError', 'RetryableError'] }],
  ] as const) {
    it(`when ${what}, the unit of work commits once`, async () => {
      const shop = await open();
      await failAt(shop, { failCommands: ['commitTransaction'], ...fault });

      const receipt = await shop.unitOfWork.run(async ({ track }) => track(new Notebook('7')).write('once'));

      expect(receipt.messages).to.have.length(1);
      expect(await textsOf(shop, '7')).to.deep.equal(['once']);
    });
  }

  it('when the server dies during the commit, with the commit applied, the unit of work finds out that it committed', async () => {
    const shop = await open();
    await shop.client.db('admin').command({ configureFailPoint: 'onPrimaryTransactionalWrite', mode: { times: 1 } });

    const receipt = await shop.unitOfWork.run(async ({ track }) => track(new Notebook('7')).write('once'));

    expect(receipt.messages).to.have.length(1);
    expect(await textsOf(shop, '7')).to.deep.equal(['once']);
  });

  it('when the server dies during the commit and stays away for long, the outcome is found out once it is back', async () => {
    const shop = await open({ commitTimeoutMs: 300, clientOptions: { serverSelectionTimeoutMS: 300 } });
    const work = shop.unitOfWork.run(async ({ track, tx }) => {
      track(new Notebook('7')).write('once');
      await tx.db.collection('own').insertOne({ nth: 1 }, { session: tx.session });
      await failAt(shop, { failCommands: ['commitTransaction'], blockConnection: true, blockTimeMS: 60_000 });
      setTimeout(() => void emulator.kill(), 100);
      setTimeout(() => void emulator.restart(), 1_500);
    });

    const error = await failureOf('DATABASE_UNAVAILABLE', () => work);

    expect(error.message).to.contain('rolled back');
    expect(await textsOf(shop, '7')).to.equal(undefined);
    expect(await shop.db.collection('own').countDocuments()).to.equal(0);
  });

  it('a stand-alone server is refused at migrate, at start and at the first commit, with what to do', async () => {
    const alone = await MongoDBEmulator.start({ replicaSet: false });
    const at = { url: alone.url, database: 'alone' };

    const error = await failureOf('SCHEMA_MISMATCH', () => openShop({ at }));

    expect(error.message).to.contain('stand-alone').and.to.contain('--replSet').and.to.contain('rs.initiate()');
    await alone.stop();
  });

  it('lost history of the change stream makes nothing wrong, and wake-ups come back', async () => {
    const [writer, reader] = [await open(), await open()];
    const sink = new InMemorySink();
    const dispatcher = await aRunningDispatcher({
      database: reader.waybill,
      catalogue: [NoteWritten],
      routes: { memory: { sink } },
      pollMs: 100,
    });
    await failAt(writer, { failCommands: ['getMore'], errorCode: 286, errorLabels: ['NonResumableChangeStreamError'] });
    emulator.truncateOplog();

    for (let nth = 0; nth < 5; nth++) {
      const receipt = await writer.unitOfWork.run(async ({ track }) => track(new Notebook(`lost-${nth}`)).write('x'));
      expect(await dispatcher.delivered(receipt, 'memory', { timeoutMs: 5_000 })).to.equal('delivered');
    }
  });

  it('change streams that are not permitted make it slower, not wrong', async () => {
    const strict = await MongoDBEmulator.start({ changeStreams: 'not-authorized' });
    const at = { url: strict.url, database: 'strict' };
    const [writer, reader] = [await openShop({ at }), await openShop({ at })];
    const dispatcher = await aRunningDispatcher({
      database: reader.waybill,
      catalogue: [NoteWritten],
      routes: { memory: { sink: new InMemorySink() } },
      pollMs: 100,
    });

    const receipt = await writer.unitOfWork.run(async ({ track }) => track(new Notebook('1')).write('x'));

    expect(await dispatcher.delivered(receipt, 'memory', { timeoutMs: 5_000 })).to.equal('delivered');
    await dispatcher.stop();
    await Promise.all([writer.close(), reader.close()]);
    await strict.stop();
  });

  it('a parked stream survives a kill of the server with everything else, and is redriven in order by another process', async () => {
    const [writer, reader] = [await open(), await open()];
    const sink = new InMemorySink({ needsWholeStreams: true });
    const routes = { memory: { sink, onFailure: 'park-stream', retry: { attempts: 1, firstMs: 5, maxMs: 20 } } } as const;
    const write = (id: string, text: string): Promise<{ result: void }> =>
      writer.unitOfWork.run(async ({ find, track }) => ((await find(Notebook, id)) ?? track(new Notebook(id))).write(text));
    sink.refuse(({ stream, revision }) => stream === 'notebook-bad' && revision === 1n);
    const first = await aRunningDispatcher({ database: writer.waybill, catalogue: [NoteWritten], routes, pollMs: 50, leaseMs: 600 });
    const parked = next(first, 'parked');
    for (let nth = 0; nth < 4; nth++) await write('bad', `note ${nth}`);
    for (let nth = 0; nth < 4; nth++) await write('good', `note ${nth}`);
    await parked;
    await eventually('the others', async () => sink.events('notebook-good').length === 4 || undefined);
    await first.stop();

    await emulator.restart();
    await eventually('the server', async () => write('bad', 'note 4').catch(() => undefined));
    sink.heal();
    const second = await aRunningDispatcher({ database: reader.waybill, catalogue: [NoteWritten], routes, pollMs: 50, leaseMs: 600 });
    const [stopped] = await second.redrive('memory', { stream: 'notebook-bad' });

    expect(stopped).to.include({ stream: 'notebook-bad', fromRevision: 1n, state: 'parked' });
    await eventually('the tail', async () => sink.events('notebook-bad').length === 5 || undefined);
    await write('bad', 'note 5');
    await eventually('what came later', async () => sink.events('notebook-bad').length === 6 || undefined);
    const texts = sink.events('notebook-bad').map(({ data }) => (data as { text: string }).text);
    expect(texts).to.deep.equal(['note 0', 'note 1', 'note 2', 'note 3', 'note 4', 'note 5']);
    await eventually('the end of the stop', async () => (await reader.waybill.status.stopped({ most: 10 })).length === 0 || undefined);
    const messages = await second.messages({ stream: 'notebook-bad' });
    expect(messages.map(({ status, failCount }) => `${status} ${failCount}`)).to.deep.equal([
      ...['DONE 0', 'DONE 1', 'DONE 0', 'DONE 0', 'DONE 0', 'DONE 0'],
    ]);
    expect(messages.every(({ processedAt }) => processedAt instanceof Date)).to.equal(true);
  });

  it('a storm of writers on one stream ends: whoever may repeat gets through, the others are told of the conflict', async () => {
    const shop = await open();
    await shop.unitOfWork.run(async ({ track }) => track(new Notebook('hot')).write('first'));
    const write = (text: string, retryOnConflict: number): Promise<unknown> =>
      shop.unitOfWork.run(async ({ load }) => (await load(Notebook, 'hot')).write(text), { retryOnConflict });

    const patient = Promise.allSettled(Array.from({ length: 12 }, (_, nth) => write(`patient ${nth}`, 1_000)));
    const hasty = Promise.allSettled(Array.from({ length: 12 }, (_, nth) => write(`hasty ${nth}`, 0)));

    const through = (await patient).filter(({ status }) => status === 'fulfilled');
    expect(through).to.have.length(12);
    const written = (await hasty).flatMap((outcome, nth) => {
      if (outcome.status === 'rejected') expect(outcome.reason).to.include({ code: 'CONCURRENCY', stream: 'notebook-hot' });
      return outcome.status === 'fulfilled' ? [`hasty ${nth}`] : [];
    });
    const texts = await textsOf(shop, 'hot');
    expect(texts).to.have.members(['first', ...Array.from({ length: 12 }, (_, nth) => `patient ${nth}`), ...written]);
  });

  it('a transaction that always loses is given up in time, with how often it was tried', async () => {
    const shop = await open({ retryForMs: 500 });
    await shop.unitOfWork.run(async ({ track }) => track(new Notebook('before')).write('x'));
    const begun = performance.now();

    const error = await failureOf('TRANSACTION_CONFLICT', () =>
      shop.unitOfWork.run(async ({ track }) => {
        track(new Notebook('7')).write('x');
        await failAt(shop, { failCommands: ['update', 'bulkWrite'], errorCode: 112, errorLabels: ['TransientTransactionError'] });
      }),
    );

    expect(error.message).to.match(/it lost \d+ times within 500 ms, last by ".+"/);
    expect(performance.now() - begun).to.be.below(5_000);
    await failAt(shop, {}, 'off');
    expect(await textsOf(shop, '7')).to.equal(undefined);
  });

  it('a server that is too busy for a while costs time, no message and no try', async () => {
    const shop = await open();
    const sink = new InMemorySink();
    const dispatcher = await aRunningDispatcher({
      database: shop.waybill,
      catalogue: [NoteWritten],
      routes: { memory: { sink } },
      pollMs: 50,
    });
    const busy = { errorCode: 462, errorLabels: ['SystemOverloadedError', 'RetryableError'] };
    await failAt(shop, { failCommands: ['find', 'aggregate', 'update', 'findAndModify', 'bulkWrite'], ...busy }, { times: 30 });

    await writeAll(shop, 'busy', 5);

    await eventually('delivery', async () => sink.events('notebook-busy').length === 5 || undefined);
    expect((await dispatcher.lanes()).filter(({ failure }) => failure)).to.deep.equal([]);
  });

  it('a network that is cut for longer than a lease hands the lanes over; who comes back changes nothing', async () => {
    const door = await MongoDBDoor.before(emulator.url);
    const cutOff = await open({
      at: { url: door.url, database: 'bad_days' },
      clientOptions: { socketTimeoutMS: 1_000, connectTimeoutMS: 1_000, serverSelectionTimeoutMS: 500, heartbeatFrequencyMS: 500 },
    });
    const other = await open();
    const sink = new InMemorySink({ needsWholeStreams: true });
    const routes = { memory: { sink, retry: { firstMs: 5, maxMs: 20 } } };
    const options = { catalogue: [NoteWritten], routes, pollMs: 50, leaseMs: 900 };
    const first = await aRunningDispatcher({
      ...options,
      database: cutOff.waybill,
      instance: 'first',
    });
    const before = await other.unitOfWork.run(async ({ track }) => track(new Notebook('1')).write('before'));
    await first.delivered(before, 'memory');
    const lost = next(first, 'lease-lost');

    door.shut();
    const second = await aRunningDispatcher({
      ...options,
      database: other.waybill,
      instance: 'second',
    });
    const during = await other.unitOfWork.run(async ({ load }) => (await load(Notebook, '1')).write('during'));
    expect(await second.delivered(during, 'memory', { timeoutMs: 10_000 })).to.equal('delivered');
    await lost;
    door.open();

    const after = await other.unitOfWork.run(async ({ load }) => (await load(Notebook, '1')).write('after'));
    expect(await second.delivered(after, 'memory', { timeoutMs: 10_000 })).to.equal('delivered');
    expect(sink.events('notebook-1').map(({ data }) => (data as { text: string }).text)).to.deep.equal(['before', 'during', 'after']);
    await first.stop();
    await cutOff.close();
    shops.splice(shops.indexOf(cutOff), 1);
    await door.close();
  });
});
