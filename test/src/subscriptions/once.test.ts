import { CommitOutcomeUnknownError } from '@waybill/core';
import type { Database, Moment } from '@waybill/core';
import { CrashPoints, eventually, gate, SETTLE_MS } from '@waybill/testing';
import { expect } from 'chai';
import { setTimeout as sleep } from 'node:timers/promises';
import { onEveryDatabase } from '../databases/databases.js';
import type { OpenDatabase } from '../databases/databases.js';
import { Consuming, SHORT_LEASE_MS, upTo } from './consuming.js';

onEveryDatabase('a consumer over a log', <Tx>(open: OpenDatabase<Tx>) => {
  let app: Consuming<Tx>;
  before(async () => (app = await Consuming.open(open)));
  beforeEach(function () {
    app.begin(this.currentTest!.title.slice(0, 60));
  });
  afterEach(() => app.end());
  after(() => app.shop.close());

  it('handles each message once, in order, and goes on behind them after a restart', async () => {
    app.ship(10);
    const first = await app.started();
    await app.notedAtLeast(10);
    await first.consumer.stop();
    app.ship(5, 10);

    await app.started();

    expect(await app.notedAtLeast(15)).to.deep.equal(upTo(15));
    expect(app.warehouse.seen.map(({ revision }) => Number(revision))).to.deep.equal(upTo(15));
    expect(await app.stored()).to.deep.include({ position: 15n, lastMessage: 15n, messages: 15n, failure: undefined });
  });

  const places = (['received', 'handled', 'committed'] as readonly Moment[]).flatMap((moment) =>
    [1, 3].map((batchSize) => ({ moment, batchSize })),
  );
  for (const { moment, batchSize } of places)
    it(`commits each message's effects once when it is stopped at "${moment}", ${batchSize} in a transaction`, async () => {
      const crashes = new CrashPoints();
      for (const nth of [1, 2, 5]) crashes.throwAt(moment, { nth });
      app.ship(6);

      await app.started({ batchSize, reached: crashes.reached });

      await eventually('the last position', async () => ((await app.stored())?.position === 6n ? true : undefined));
      expect(await app.noted()).to.deep.equal(upTo(6));
    });

  it('commits once when the answer to a commit is lost', async () => {
    app.ship(5);
    let left = 2;
    const { database } = app.shop;
    const transactions: Database<Tx>['transactions'] = {
      run: async (work, signal) => {
        let isHandling = false;
        const answer = await database.transactions.run(async (tx) => {
          const seen = app.warehouse.seen.length;
          const result = await work(tx);
          isHandling = app.warehouse.seen.length > seen;
          return result;
        }, signal);
        if (isHandling && left-- > 0) throw new CommitOutcomeUnknownError(undefined);
        return answer;
      },
      outcome: (id) => database.transactions.outcome(id),
    };
    const { inbox, cases, subscriptions } = database;

    await app.started({ batchSize: 2, database: { inbox, cases, subscriptions, transactions } });

    await eventually('the last position', async () => ((await app.stored())?.position === 5n ? true : undefined));
    expect(await app.noted()).to.deep.equal(upTo(5));
    expect(left).to.be.at.most(0);
  });

  it('is run by one of two processes, and by the other when the first has ended', async () => {
    const [one, other] = [app.aWarehouse(), app.aWarehouse()];
    app.ship(20);
    const first = await app.started({ handlers: [one], instance: 'one' });
    await eventually('the lease', async () => ((await app.stored())?.owner === 'one' ? true : undefined));
    await app.started({ handlers: [other], instance: 'other' });
    await app.notedAtLeast(20);
    expect(other.seen).to.have.length(0);

    await first.consumer.stop();
    app.ship(5, 20);

    expect(await app.notedAtLeast(25)).to.deep.equal(upTo(25));
    expect([one.seen.length, other.seen.length]).to.deep.equal([20, 5]);
  });

  it('commits nothing in a process that wakes up after its lease is gone', async () => {
    const [frozen, other] = [app.aWarehouse(), app.aWarehouse()];
    const [begun, wakes] = [gate(), gate()];
    frozen.before = async () => {
      begun.open();
      await wakes.opened;
    };
    app.ship(3);
    const { subscriptions, inbox, cases, transactions } = app.shop.database;
    // It renews nothing, and does not know it: its clock stands still.
    const renew: typeof subscriptions.renew = async (lease) => ({ lease, orders: { paused: false, resume: undefined } });
    const renewsNothing = new Proxy(subscriptions, {
      get: (store, name) => (name === 'renew' ? renew : (Reflect.get(store, name) as (...args: unknown[]) => unknown).bind(store)),
    });
    const database = { subscriptions: renewsNothing, inbox, cases, transactions };
    const { told } = await app.started({ handlers: [frozen], database, instance: 'frozen' });
    await begun.opened;
    await app.started({ handlers: [other], instance: 'other' });
    await eventually('the take-over', async () => ((await app.stored())?.owner === 'other' ? true : undefined));

    wakes.open();

    expect(await app.notedAtLeast(3)).to.deep.equal(upTo(3));
    await eventually('that it knows', async () => told.find(({ name }) => name === 'lease-lost'));
    await sleep(SETTLE_MS);
    expect(await app.noted()).to.deep.equal(upTo(3));
  });

  it('commits nothing of a handler that goes on after its consumer has stopped without it', async () => {
    const [deaf, begun, wakes] = [app.aWarehouse(), gate(), gate()];
    deaf.before = async () => {
      begun.open();
      await wakes.opened;
    };
    app.ship(2);
    const { consumer } = await app.started({ handlers: [deaf], stopWithinMs: 10 });
    await begun.opened;
    await consumer.stop();

    wakes.open();
    await sleep(SETTLE_MS);
    const meanwhile = await app.noted();
    await app.started();

    expect(meanwhile).to.deep.equal([]);
    expect(await app.notedAtLeast(2)).to.deep.equal(upTo(2));
  });

  it('takes over from a process that was killed, within the lease and a little', async () => {
    app.ship(2);
    const { database } = app.shop;
    await database.subscriptions.register(app.name, app.log.positions, undefined);
    await database.subscriptions.acquire({ subscription: app.name, owner: 'killed', leaseMs: SHORT_LEASE_MS });

    const { told } = await app.started();

    await app.notedAtLeast(2);
    expect(told[0]).to.deep.include({ name: 'acquired' });
    expect(told[0]?.name === 'acquired' && told[0].event.takenOver).to.equal(true);
  });

  it('can begin with what is written from now on', async () => {
    app.ship(3);

    const { consumer } = await app.started({ start: 'now' });
    app.ship(2, 3);

    expect(await app.notedAtLeast(2)).to.deep.equal([3, 4]);
    expect((await consumer.status())?.kind).to.equal('log');
  });
});
