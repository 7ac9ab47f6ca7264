import type { LaneGrant } from '@waybill/core';
import { aFailure, aSettlement, eventually } from '@waybill/testing';
import { expect } from 'chai';
import type { Document } from 'mongodb';
import { failureOf } from '../shop/failure-of.js';
import { Notebook } from '../shop/notebook.js';
import { openShop } from './mongodb-shop.js';
import type { MongoDBShop } from './mongodb-shop.js';

const ADDED = ['waybill_instances', 'waybill_stopped_streams', 'waybill_history'];
const ADDED_INDEXES = { waybill_outbox: ['id'], waybill_actions: ['recorded', 'message'] };

/** What version 1 had made and written, where this version has. */
async function asVersion1({ db }: MongoDBShop): Promise<void> {
  for (const name of ADDED) await db.collection(name).drop();
  for (const [collection, indexes] of Object.entries(ADDED_INDEXES)) {
    for (const index of indexes) await db.collection(collection).dropIndex(index);
  }
  await db.collection('waybill_lanes').updateMany({}, { $unset: { suspects: 1, session: 1 } });
  await db.collection('waybill_actions').updateMany({}, { $unset: { stream: 1, requestedBy: 1 } });
  await db.collection<Document & { _id: string }>('waybill_identity').replaceOne(
    { _id: 'outbox' },
    await db
      .collection<Document & { _id: string }>('waybill_identity')
      .findOne({ _id: 'outbox' })
      .then((identity) => ({ version: 1, lanes: identity!['lanes'] as number, collection: identity!['collection'] as string })),
  );
}

const SINCE_4 = ['subscriptions', 'subscription_leases', 'passed_streams', 'projections', 'processes', 'timeouts', 'cases'];

/** What version 3 had made. Its claims tell no lane. */
async function asVersion3({ db }: MongoDBShop): Promise<void> {
  for (const name of SINCE_4) await db.collection(`waybill_${name}`).drop();
  await db.collection('waybill_inbox').dropIndex('age');
  await db.collection('waybill_inbox').updateMany({}, { $unset: { byLane: 1, message: 1 } });
  await db.collection<Document & { _id: string }>('waybill_identity').updateOne({ _id: 'outbox' }, { $set: { version: 3 } });
}

describe('an outbox on MongoDB that version 3 made', function () {
  this.timeout(30_000);

  it('is refused until it is migrated, then takes what is new, and keeps its claims until they are old', async () => {
    const shop = await openShop();
    const claim = { handler: 'send-receipt', messageId: 'one', source: 'handlers' };
    const hourAgo = new Date(Date.now() - 3_600_000);
    await shop.waybill.transactions.run((tx) => shop.waybill.inbox.claim({ ...claim, firstAttemptAt: hourAgo }, tx));
    await asVersion3(shop);

    const refused = await failureOf('SCHEMA_MISMATCH', () => shop.waybill.verify());
    await Promise.all([shop.waybill.migrate(), shop.waybill.migrate()]);
    await shop.waybill.verify();
    await shop.waybill.subscriptions.register('orders', 'a log', undefined);
    await shop.waybill.projections.register('order-list');

    expect(refused.message).to.contain('version 3').and.to.contain('migrate()');
    expect(await shop.waybill.retention.removeClaims({ olderThanMs: 2 * 3_600_000, most: 10 })).to.equal(0);
    expect(await shop.waybill.inbox.claimed(claim.handler, claim.messageId)).to.equal(true);
    expect(await shop.waybill.retention.removeClaims({ olderThanMs: 1_000, most: 10 })).to.equal(1);
    await shop.close();
  });
});

describe('an outbox on MongoDB that version 1 made', function () {
  this.timeout(30_000);
  let shop: MongoDBShop;
  beforeEach(async () => (shop = await openShop({ lanes: 2 })));
  afterEach(() => shop.close());

  const another = async (): Promise<MongoDBShop> => {
    const { waybill: _fresh, ...old } = shop;
    return openShop({ at: old, lanes: 2 });
  };
  const acquire = (route: string): Promise<readonly LaneGrant[]> =>
    shop.waybill.leases.acquire({ route, owner: 'one', leaseMs: 200, most: 2 });

  it('is refused until it is migrated, with what to do', async () => {
    await asVersion1(shop);

    const error = await failureOf('SCHEMA_MISMATCH', () => shop.waybill.verify());

    expect(error.message).to.contain('version 1').and.to.contain('migrate()');
  });

  it('keeps its messages, its places, a lane that has halted and orders that wait', async () => {
    await shop.waybill.routes.save({ name: 'all', order: 'stream', selection: {}, start: 'beginning' });
    await shop.unitOfWork.run(async ({ track }) => track(new Notebook('1')).write('x'));
    await shop.waybill.wakeUps.pulse();
    const [first, second] = await acquire('all');
    const failure = aFailure({ attempts: 7 });
    await shop.waybill.lanes.settle(first!.lease, aSettlement({ position: 1n } as never, { state: 'halted', failure }));
    await shop.waybill.leases.release([first!.lease]);
    await shop.waybill.actions.request({ route: 'all', lane: 0, kind: 'resume' });
    await asVersion1(shop);

    const upgraded = await another(); // migrates
    await upgraded.waybill.migrate();
    await upgraded.waybill.verify();

    const [halted] = await upgraded.waybill.leases.acquire({ route: 'all', owner: 'two', leaseMs: 60_000, most: 1 });
    expect(halted).to.deep.include({ takenOver: false });
    expect(halted!.progress).to.deep.equal({ checkpoint: { position: 1n }, state: 'halted', failure, suspects: 0 });
    expect((await upgraded.waybill.actions.due([halted!.lease])).map(({ kind }) => kind)).to.deep.equal(['resume']);
    const status = await upgraded.waybill.status.messages({ stream: 'notebook-1' });
    expect(status.map(({ route }) => route)).to.deep.equal(['all']);
    const suspected = await eventually('the other lease expiring', async () => {
      const [grant] = await upgraded.waybill.leases.acquire({ route: 'all', owner: 'two', leaseMs: 60_000, most: 1 });
      return grant;
    });
    expect(suspected).to.deep.include({ takenOver: true });
    expect(suspected.progress.suspects).to.equal(1);
    expect(suspected.lease.lane).to.equal(second!.lease.lane);
    await upgraded.close();
  });

  it('is read where a process of version 1 still writes', async () => {
    await shop.waybill.routes.save({ name: 'all', order: 'stream', selection: {}, start: 'beginning' });
    await shop.waybill.actions.request({ route: 'all', lane: 0, kind: 'skip', messageId: 'm', reason: 'bad' });
    await shop.db.collection('waybill_lanes').updateMany({}, { $unset: { suspects: 1, session: 1 } });
    await shop.db.collection('waybill_actions').updateMany({}, { $unset: { stream: 1, requestedBy: 1 } });

    const [grant] = await acquire('all');

    expect(grant!.progress.suspects).to.equal(0);
    expect((await shop.waybill.status.lanes()).map(({ suspects }) => suspects)).to.deep.equal([0, 0]);
    const [order] = await shop.waybill.actions.recorded('all', 10);
    expect(order).to.include({ kind: 'skip', messageId: 'm', reason: 'bad' }).and.to.not.have.any.keys('stream', 'requestedBy');
  });

  it('is migrated by several processes at once', async () => {
    await asVersion1(shop);

    await Promise.all([another(), another(), another()].map(async (opening) => (await opening).close()));

    await shop.waybill.verify();
  });
});
