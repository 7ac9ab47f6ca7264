import type { SubscriptionAdvance, SubscriptionGrant } from '@waybill/core';
import { anAdvance, aReport, eventually, gate } from '@waybill/testing';
import { expect } from 'chai';
import { failureOf } from '../shop/failure-of.js';
import { commandsOf, namesOf } from './commands-of.js';
import { openShop } from './mongodb-shop.js';
import type { MongoDBShop } from './mongodb-shop.js';

const LONG_MS = 60_000;

describe('subscriptions on MongoDB', function () {
  this.timeout(30_000);
  let shop: MongoDBShop;
  before(async () => (shop = await openShop({ changeStream: false, clientOptions: { monitorCommands: true } })));
  after(() => shop.close());

  let name = '';
  beforeEach(function () {
    name = this.currentTest!.title;
  });

  const acquire = (owner = 'one', leaseMs = LONG_MS): Promise<SubscriptionGrant | undefined> =>
    shop.waybill.subscriptions.acquire({ subscription: name, owner, leaseMs });
  async function held(leaseMs = LONG_MS): Promise<SubscriptionGrant> {
    await shop.waybill.subscriptions.register(name, 'a log', undefined);
    return (await acquire('one', leaseMs))!;
  }
  const advance = ({ lease }: SubscriptionGrant, step: SubscriptionAdvance): Promise<void> =>
    shop.waybill.transactions.run((tx) => shop.waybill.subscriptions.advance(lease, step, tx));
  const position = async (): Promise<bigint | undefined> => (await shop.waybill.subscriptions.find(name))!.position;
  const expiry = (): Promise<true> =>
    eventually('the lease expiring', async () => ((await shop.waybill.subscriptions.find(name))!.owner === undefined ? true : undefined));

  it('are renewed, reported and ordered about while a transaction is open, which commits at its first run', async () => {
    const { lease } = await held();
    const { subscriptions, transactions } = shop.waybill;
    let runs = 0;

    await transactions.run(async (tx) => {
      runs++;
      await tx.db.collection('effects').findOne({}, { session: tx.session }); // from here on it sees nothing new
      await subscriptions.renew(lease, LONG_MS);
      await subscriptions.report(lease, aReport({ caughtUp: true, head: 9n }));
      await subscriptions.order(name, { paused: true });
      await subscriptions.advance(lease, anAdvance(5n), tx);
      await subscriptions.renew(lease, LONG_MS);
    });

    expect(runs).to.equal(1);
    expect(await shop.waybill.subscriptions.find(name)).to.include({ position: 5n, caughtUp: true, head: 9n, paused: true });
  });

  it('move on by 500 streams in two commands and a commit', async () => {
    const grant = await held();
    const streams = Array.from({ length: 500 }, (_, nth) => ({ stream: `order-${nth}`, revision: BigInt(nth) }));
    await advance(grant, anAdvance(1n)); // its session is known

    const sent = await commandsOf(shop.client, () => advance(grant, anAdvance(500n, { messages: 500, streams })));

    expect(namesOf(sent)).to.deep.equal(['findAndModify', 'update', 'commitTransaction']);
  });

  it('commit nothing for a holder that swallows that it has lost them', async () => {
    const lost = await held(1);
    await expiry();
    await acquire('two');

    await failureOf('TRANSACTION_ROLLED_BACK', () =>
      shop.waybill.transactions.run(async (tx) => {
        await tx.db.collection('effects').insertOne({ of: name }, { session: tx.session });
        await shop.waybill.subscriptions.advance(lost.lease, anAdvance(5n), tx).catch(() => {});
      }),
    );

    expect(await shop.db.collection('effects').countDocuments({ of: name })).to.equal(0);
    expect(await position()).to.equal(undefined);
  });

  it('are taken over at once from a process that was killed in the middle of a transaction, with what it had locked', async () => {
    const killed = await openShop({ at: shop, changeStream: false });
    const grant = await held(200);
    const effects = shop.db.collection<{ _id: string; by: string }>('locked');
    const [isOpen, never] = [gate(), gate()];
    const frozen = killed.waybill.transactions.run(async ({ db, session }) => {
      const own = db.collection<{ _id: string; by: string }>('locked');
      await own.updateOne({ _id: name }, { $set: { by: 'killed' } }, { session, upsert: true });
      await killed.waybill.subscriptions.advance(grant.lease, anAdvance(5n), { db, session });
      isOpen.open();
      await never.opened;
    });
    await isOpen.opened;
    await expiry();
    const begun = performance.now();

    const heir = await acquire('two');
    await effects.updateOne({ _id: name }, { $set: { by: 'heir' } }, { upsert: true });

    expect(performance.now() - begun).to.be.below(2_000);
    expect(heir).to.deep.include({ takenOver: true });
    expect(heir!.progress.position).to.equal(undefined);
    never.open();
    await failureOf('SUBSCRIPTION_LOST', () => frozen);
    expect((await effects.findOne({ _id: name }))!.by).to.equal('heir');
    await killed.close();
  });

  it('are nobody’s while a transaction that cannot be ended has them locked, and taken over once it has ended', async () => {
    const grant = await held(1);
    await expiry();
    const [isOpen, mayEnd] = [gate(), gate()];
    const slow = shop.waybill.transactions.run(async (tx) => {
      await shop.waybill.subscriptions.find(name, tx); // locks it, and names no session
      isOpen.open();
      await mayEnd.opened;
    });
    await isOpen.opened;

    const meanwhile = await acquire('two');
    mayEnd.open();
    await slow;
    const heir = await acquire('two');

    expect(meanwhile).to.equal(undefined);
    expect(heir).to.deep.include({ takenOver: true });
    expect(heir!.lease.epoch > grant.lease.epoch).to.equal(true);
  });

  it('forget what removed ones had passed when the next one is made known', async () => {
    const grant = await held();
    await advance(grant, anAdvance(4n, { streams: [{ stream: name, revision: 4n }] }));
    const passed = (): Promise<number> => shop.db.collection('waybill_passed_streams').countDocuments({ '_id.stream': name });
    await shop.waybill.transactions.run((tx) => shop.waybill.subscriptions.remove(name, tx));
    const before = await passed();

    await shop.waybill.subscriptions.register(`${name}, another`, 'a log', undefined);

    expect([before, await passed()]).to.deep.equal([1, 0]);
  });

  it('are free once the database was adopted, and its copy fences out who held them', async () => {
    const grant = await held();
    await advance(grant, anAdvance(4n));

    await shop.waybill.adopt();
    const error = await failureOf('SUBSCRIPTION_LOST', () => advance(grant, anAdvance(9n)));
    const next = await acquire('two');

    expect(error).to.include({ subscription: name, epoch: grant.lease.epoch });
    expect(next!.progress.position).to.equal(4n);
    await advance(next!, anAdvance(5n));
    expect(await position()).to.equal(5n);
  });

  for (const odd of ['$set', '$$NOW', 'a.b..c', '{"$gt":""}', ' ', 'nul \0 in it', 'é€🚚'.repeat(100)])
    it(`take the name, the owner and the stream ${JSON.stringify(odd).slice(0, 20)} as they are`, async () => {
      name = odd;
      await shop.waybill.subscriptions.register(odd, odd, undefined);
      const grant = await acquire(odd);

      await advance(grant!, anAdvance(4n, { streams: [{ stream: odd, revision: 4n }] }));
      await shop.waybill.subscriptions.order(odd, { resume: { skip: odd, reason: odd } });

      expect(await shop.waybill.subscriptions.find(odd)).to.include({ subscription: odd, positions: odd, owner: odd, position: 4n });
      expect(await shop.waybill.subscriptions.passed(odd, [odd])).to.deep.equal([{ stream: odd, revision: 4n }]);
      expect((await shop.waybill.subscriptions.renew(grant!.lease, LONG_MS))!.orders.resume).to.deep.equal({ skip: odd, reason: odd });
      await failureOf('SUBSCRIPTION_LOST', () => advance({ ...grant!, lease: { ...grant!.lease, epoch: 99n } }, anAdvance(5n)));
    });
});
