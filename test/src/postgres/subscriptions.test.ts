import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { SubscriptionLease } from '@waybill/core';
import { PostgresDatabase } from '@waybill/postgres';
import type { PostgresTx } from '@waybill/postgres';
import { aHeldSubscription, anAdvance, aReport, eventually, gate, isWaiting } from '@waybill/testing';
import { failureOf } from '../shop/failure-of.js';
import { openShop } from './postgres-shop.js';
import type { PostgresShop } from './postgres-shop.js';

describe('subscriptions on PostgreSQL', () => {
  let shop: PostgresShop;
  before(async () => (shop = await openShop()));
  after(() => shop.close());

  const advance = (lease: SubscriptionLease, ...step: Parameters<typeof anAdvance>): Promise<void> =>
    shop.database.transactions.run((tx) => shop.database.subscriptions.advance(lease, anAdvance(...step), tx));

  it('move on with streams whose names PostgreSQL cannot keep, and leave these out', async () => {
    const { lease } = await aHeldSubscription(shop.database);
    const odd = ['nul-\0', 'half-\ud800', 'quote"\'\\-ü€𝄞'];

    await advance(lease, 7n, { streams: odd.map((stream, nth) => ({ stream, revision: BigInt(nth) })) });

    expect(await shop.database.subscriptions.passed(lease.subscription, odd)).to.deep.equal([{ stream: odd[2], revision: 2n }]);
    expect(await shop.database.subscriptions.find(lease.subscription)).to.include({ position: 7n });
  });

  it('keep what is readable of a failure that says anything at all', async () => {
    const { lease } = await aHeldSubscription(shop.database);
    const message = { id: 'any \0id', type: 'Any\ud800Type', stream: 'order-\0', revision: 0n, position: 1n };
    const failure = { message, attempts: 1, nextTryAt: undefined, code: 'X', error: 'bytes: \0\ud800 "quoted"' };

    await shop.database.subscriptions.report(lease, aReport({ state: 'stopped', failure }));
    await shop.database.subscriptions.order(lease.subscription, { resume: { skip: 'any \0id', reason: 'no \0 use' } });

    const found = await shop.database.subscriptions.find(lease.subscription);
    expect(found!.failure).to.include({ error: 'bytes: \ufffd "quoted"', code: 'X' });
    expect(found!.failure!.message).to.include({ id: 'any id', stream: 'order-' });
    const renewed = await shop.database.subscriptions.renew(lease, 60_000);
    expect(renewed!.orders.resume).to.deep.equal({ skip: 'any id', reason: 'no  use' });
  });

  it('take a step with a stream twice for one with its last revision', async () => {
    const { lease } = await aHeldSubscription(shop.database);

    await advance(lease, 9n, { streams: [8n, 9n, 3n].map((revision) => ({ stream: 'order-7', revision })) });

    expect(await shop.database.subscriptions.passed(lease.subscription, ['order-7'])).to.deep.equal([{ stream: 'order-7', revision: 9n }]);
  });

  it('move on in one statement, however many streams a step has, and stay on their page', async () => {
    const { lease } = await aHeldSubscription(shop.database);
    let statements = 0;
    const streams = Array.from({ length: 500 }, (_, nth) => ({ stream: `order-${nth}`, revision: 1n }));

    for (let step = 1n; step <= 50n; step++)
      await shop.database.transactions.run((tx) => {
        const counting: PostgresTx = { query: (text, values) => (statements++, tx.query(text, values)) };
        const moved = streams.map(({ stream }) => ({ stream, revision: step }));
        return shop.database.subscriptions.advance(lease, anAdvance(step, { streams: moved, messages: 500 }), counting);
      });

    const updates = async (table: string): Promise<{ readonly all: number; readonly hot: number }> =>
      (
        await shop.pool.query<{ all: number; hot: number }>(
          `select n_tup_upd::integer as all, n_tup_hot_upd::integer as hot from pg_stat_user_tables where schemaname = 'waybill' and relname = $1`,
          [table],
        )
      ).rows[0]!;
    expect(statements).to.equal(50);
    const { all, hot } = await eventually('the statistics', async () => {
      const told = await updates('subscription');
      return told.all >= 50 ? told : undefined;
    });
    expect(hot / all).to.be.above(0.8);
  });

  it('let one of eight processes at once take one whose holder is gone', async () => {
    const { lease } = await aHeldSubscription(shop.database, { leaseMs: 1 });
    const processes = Array.from({ length: 8 }, () => new PostgresDatabase({ pool: shop.pool, listen: false }));
    await eventually('the lease expiring', async () =>
      (await shop.database.subscriptions.find(lease.subscription))!.owner === undefined ? true : undefined,
    );

    const grants = await Promise.all(
      processes.map(({ subscriptions }, nth) =>
        subscriptions.acquire({ subscription: lease.subscription, owner: `process ${nth}`, leaseMs: 60_000 }),
      ),
    );

    expect(grants.filter((grant) => grant?.takenOver)).to.have.length(1);
    expect(grants.filter((grant) => grant === undefined)).to.have.length(7);
  });

  it('are taken over from a machine that is cut off between its last statement and its commit', async () => {
    const { lease } = await aHeldSubscription(shop.database, { leaseMs: 300 });
    const isBack = gate();
    const cutOff = shop.database.transactions.run(async (tx) => {
      await shop.database.subscriptions.advance(lease, anAdvance(1n), tx);
      await isBack.opened; // until then the server hears nothing of it, not even that it is gone
    });

    const { takenOver, progress } = await eventually('the take-over', () =>
      shop.database.subscriptions.acquire({ subscription: lease.subscription, owner: 'heir', leaseMs: 60_000 }),
    );

    isBack.open();

    expect([takenOver, progress.position]).to.deep.equal([true, undefined]);
    await failureOf('COMMIT_OUTCOME_UNKNOWN', () => cutOff);
  });

  it('that are removed while their holder commits leave nothing behind', async () => {
    const { lease } = await aHeldSubscription(shop.database);
    const holder = await shop.pool.connect();
    await holder.query('begin');
    await shop.database.subscriptions.advance(lease, anAdvance(1n, { streams: [{ stream: `mine-${lease.epoch}`, revision: 1n }] }), holder);

    const removing = shop.database.transactions.run((tx) => shop.database.subscriptions.remove(lease.subscription, tx));
    const waited = await isWaiting(removing);
    await holder.query('commit');
    holder.release();

    expect(waited).to.equal(true);
    expect(await removing).to.equal(true);
    await aHeldSubscription(shop.database); // too many rows for the transaction that removes it: the next to be made known finds them
    const { rows } = await shop.pool.query('select from waybill.subscription_stream where stream = $1', [`mine-${lease.epoch}`]);
    expect(rows).to.have.length(0);
    await failureOf('SUBSCRIPTION_LOST', () => advance(lease, 2n));
  });

  it('are removed at once, however many streams they have passed, and only what they had passed is forgotten', async () => {
    const [{ lease }, other] = [await aHeldSubscription(shop.database), await aHeldSubscription(shop.database)];
    const { subscription } = lease;
    const fill = `
      insert into waybill.subscription_stream select number, 'order-' || nth, nth from waybill.subscription, generate_series(1, 25000) as nth
      where subscription = any ($1)`;
    await shop.pool.query(fill, [[subscription, other.lease.subscription]]);
    const passed = async (): Promise<number> =>
      (await shop.pool.query<{ count: number }>('select count(*)::integer as count from waybill.subscription_stream where revision = 7'))
        .rows[0]!.count;
    const before = await passed();

    await shop.database.transactions.run((tx) => shop.database.subscriptions.remove(subscription, tx));
    const behind = await passed();
    await shop.database.subscriptions.register(subscription, 'a log', undefined);

    expect([before - behind, before - (await passed())]).to.deep.equal([0, 1]);
    expect(await shop.database.subscriptions.passed(subscription, ['order-7'])).to.deep.equal([]);
    expect(await shop.database.subscriptions.passed(other.lease.subscription, ['order-7'])).to.have.length(1);
  });

  it('are not held back by names that need quoting', async () => {
    const subscription = `o'rders "7" ${randomUUID()}`;
    await shop.database.subscriptions.register(subscription, "category o'rder", undefined);

    expect((await shop.database.subscriptions.find(subscription))!.positions).to.equal("category o'rder");
  });
});
