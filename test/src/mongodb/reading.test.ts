import { defineEvent, Dispatcher, laneOf, streamHash, unchecked, UnitOfWork } from '@waybill/core';
import type { LaneGrant } from '@waybill/core';
import { InMemorySink } from '@waybill/core/in-memory';
import { aSettlement, anAttempt } from '@waybill/testing';
import { expect } from 'chai';
import type { MongoDBTx } from '@waybill/mongodb';
import type { Document } from 'mongodb';
import { setTimeout as sleep } from 'node:timers/promises';
import { commandsOf, namesOf } from './commands-of.js';
import { Notebook, NoteWritten } from '../shop/notebook.js';
import { openShop } from './mongodb-shop.js';
import type { MongoDBShop } from './mongodb-shop.js';

const Counted = defineEvent('Counted', unchecked<{ nth: number }>());
const DELIVERED = 5_000;

/** What reading costs is counted in commands and in documents looked at: figures that no machine changes. */
describe('what it costs on MongoDB', function () {
  this.timeout(60_000);
  let shop: MongoDBShop;
  let unitOfWork: UnitOfWork<MongoDBTx>;
  before(async () => {
    shop = await openShop({ clientOptions: { monitorCommands: true }, changeStream: false });
    unitOfWork = new UnitOfWork({ database: shop.waybill, catalogue: [Counted, NoteWritten] });
  });
  after(() => shop.close());

  const commands = (act: () => Promise<unknown>): Promise<readonly Document[]> => commandsOf(shop.client, act);
  const append = (key: string, count = 1): Promise<unknown> =>
    unitOfWork.run(async (scope) => {
      for (let nth = 0; nth < count; nth++) scope.append(key, Counted({ nth }));
    });
  const leaseOf = async (route: string): Promise<readonly LaneGrant[]> => {
    await shop.waybill.routes.save({ name: route, order: 'stream', selection: {}, start: 'beginning' });
    return shop.waybill.leases.acquire({ route, owner: 'test', leaseMs: 600_000, most: 16 });
  };
  const readAndSettle = async ({ lease, progress }: LaneGrant, limit = 100): Promise<LaneGrant> => {
    const { rows, through } = await shop.waybill.lanes.read({
      ...{ route: lease.route, lane: lease.lane, order: 'stream', selection: {}, after: progress.checkpoint, limit },
    });
    await shop.waybill.lanes.settle(lease, {
      checkpoint: rows.at(-1)?.checkpoint ?? through,
      state: 'running',
      failure: undefined,
      suspects: 0,
    });
    return { lease, takenOver: false, progress: { ...progress, checkpoint: rows.at(-1)?.checkpoint ?? through } };
  };

  it('is no command more for a commit than to insert the same by hand, where the server takes heads and messages in one', async () => {
    await append('warm');

    const sent = await commands(() =>
      unitOfWork.run(async ({ tx, track }) => {
        await tx.db.collection('projection').insertOne({ nth: 1 }, { session: tx.session });
        track(new Notebook('cost')).write('x');
      }),
    );

    expect(namesOf(sent)).to.deep.equal(['insert', 'bulkWrite', 'commitTransaction']);
  });

  it('is two commands for each page of a backlog, and four for a batch of numbers, however much was delivered', async () => {
    const costs: { page: readonly string[]; idle: readonly string[]; batch: readonly string[] }[] = [];
    let lane = (await leaseOf('costs'))[laneOf(streamHash('key-pages'), 16)];
    for (const delivered of [0, DELIVERED]) {
      for (let nth = 0; nth < delivered / 500; nth++) await append('pages', 500);
      await shop.waybill.wakeUps.pulse();
      for (let done = false; !done;) {
        const before = lane!.progress.checkpoint;
        lane = await readAndSettle(lane!, 1_000);
        done = JSON.stringify(before, asText) === JSON.stringify(lane.progress.checkpoint, asText);
      }
      await append('pages', 3);
      const batch = await commands(() => shop.waybill.wakeUps.pulse());
      const page = await commands(async () => (lane = await readAndSettle(lane!)));
      const idle = await commands(() => shop.waybill.wakeUps.pulse());
      costs.push({ page: namesOf(page), idle: namesOf(idle), batch: namesOf(batch) });
    }

    expect(costs[0]).to.deep.equal({
      page: ['find', 'update'],
      idle: ['aggregate'],
      batch: ['aggregate', 'find', 'findAndModify', 'update', 'commitTransaction'],
    });
    expect(costs[1]).to.deep.equal(costs[0]);
  });

  it('is an index entry for each document that a page answers, and none that was delivered', async () => {
    await append('explained', 500);
    const last = BigInt(await shop.waybill.wakeUps.pulse());

    const [page] = await commands(async () => {
      const lane = (await leaseOf('explained'))[laneOf(streamHash('key-explained'), 16)];
      await shop.waybill.lanes.read({
        ...{ route: 'explained', lane: lane!.lease.lane, order: 'stream', selection: {}, limit: 10 },
        after: { position: last - 5n } as never,
      });
    }).then((sent) => sent.filter(({ find }) => find === 'waybill_outbox'));
    const query = Object.fromEntries(Object.entries(page!).filter(([name]) => ['find', 'filter', 'sort', 'limit'].includes(name)));
    const plan = await shop.db.command({ explain: query, verbosity: 'executionStats' });

    expect(JSON.stringify(plan)).to.contain('IXSCAN').and.to.not.contain('COLLSCAN');
    expect((plan['executionStats'] as { totalDocsExamined: number }).totalDocsExamined).to.be.at.most(5);
  });

  it('is what one message has, for its status and its tries, however much else there is', async () => {
    await append('asked', 500);
    await shop.waybill.wakeUps.pulse();
    const lane = (await leaseOf('asked'))[laneOf(streamHash('key-asked'), 16)]!;
    const [row] = await shop.db.collection('waybill_outbox').find({ '_id.stream': 'key-asked' }).limit(1).toArray();
    const messageId = row!['id'] as string;
    const place = { position: BigInt(row!['position'] as number) + 499n } as never;
    const attempts = Array.from({ length: 200 }, (_, nth) => anAttempt([`other ${nth}`]));
    await shop.waybill.lanes.settle(lane.lease, aSettlement(place, { attempts: [...attempts, anAttempt([messageId])] }));
    const rejected = anAttempt([messageId], { outcome: 'rejected' });
    await shop.waybill.lanes.settle(lane.lease, aSettlement(place, { attempts: [rejected] }));

    const sent = await commands(async () => {
      const [status] = (await shop.waybill.status.messages({ messageId })).filter(({ route }) => route === 'asked');
      expect(status).to.deep.include({ status: 'DONE', failCount: 1 }).and.to.have.property('processedAt').that.is.a('date');
      expect(await shop.waybill.status.attempts({ messageId, route: 'asked' })).to.have.length(2);
    });

    const large = sent.map(asFind).filter(({ find }) => ['waybill_outbox', 'waybill_history'].includes(find as string));
    expect(large).to.have.length(6);
    for (const query of large) {
      const plan = await shop.db.command({ explain: query, verbosity: 'executionStats' });
      expect(JSON.stringify(plan), JSON.stringify(query)).to.contain('IXSCAN').and.to.not.contain('COLLSCAN');
    }
  });

  it('is three commands a poll while nothing happens: the messages, who is alive, the orders', async () => {
    const dispatcher = new Dispatcher({
      database: shop.waybill,
      catalogue: [Counted],
      routes: { idle: { sink: new InMemorySink(), start: 'now' } },
      pollMs: 200,
      leaseMs: 60_000,
    });
    await dispatcher.start();
    await sleep(1_000);

    const sent = namesOf(await commands(() => sleep(1_000)));
    await dispatcher.stop();

    expect(new Set(sent)).to.deep.equal(new Set(['aggregate', 'findAndModify', 'find']));
    expect(sent.length).to.be.within(9, 21);
  });
});

/** What of a command `explain` can be asked about: of an aggregation, what it begins with. */
function asFind({ find, aggregate, pipeline, ...command }: Document): Document {
  if (find !== undefined) return known({ find: find as string, filter: command['filter'], sort: command['sort'], limit: command['limit'] });
  const part = (name: string): unknown => (pipeline as readonly Document[] | undefined)?.find((stage) => name in stage)?.[name];
  return known({ find: aggregate as string, filter: part('$match'), sort: part('$sort') });
}

const known = (fields: Readonly<Record<string, unknown>>): Document =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

const asText = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value);
