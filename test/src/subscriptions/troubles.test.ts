import { DatabaseUnavailableError, InboxHandler, systemClock } from '@waybill/core';
import type { EventOf, Message } from '@waybill/core';
import { InMemoryEventLog } from '@waybill/core/in-memory';
import type { InMemoryTx } from '@waybill/core/in-memory';
import { eventually, gate, SETTLE_MS } from '@waybill/testing';
import { expect } from 'chai';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { inMemory } from '../databases/databases.js';
import { ParcelShipped } from '../receiving/parcels.js';
import { failureOf } from '../shop/failure-of.js';
import { Consuming, upTo } from './consuming.js';

describe('a consumer over a log, in trouble', () => {
  let app: Consuming<InMemoryTx>;
  beforeEach(async () => {
    app = await Consuming.open(inMemory);
    app.begin('parcels');
  });
  afterEach(() => app.end());

  const failAt = (revision: bigint, error = new Error('the shelf is full')): void => {
    app.warehouse.before = (message) => {
      if (message.revision === revision) throw error;
    };
  };
  const mend = (): void => void (app.warehouse.before = () => {});
  const triesOf = (revision: bigint): number => app.warehouse.seen.filter((message) => message.revision === revision).length;

  describe('of the log', () => {
    it('comes back by itself when the connection is lost, and blames no message', async () => {
      app.ship(3);
      const { told } = await app.started();
      await app.notedAtLeast(3);

      app.log.break();
      app.ship(2, 3);
      await eventually('three tries', async () => (told.filter(({ name }) => name === 'waiting').length >= 3 ? true : undefined));
      const meanwhile = await app.stored();
      app.log.heal();

      expect(await app.notedAtLeast(5)).to.deep.equal(upTo(5));
      expect([meanwhile?.state, meanwhile?.failure?.attempts, meanwhile?.failure?.message]).to.deep.equal(['waiting', 0, undefined]);
      expect(meanwhile?.failure?.code).to.equal('TARGET_UNAVAILABLE');
      await eventually('that it runs again', async () => ((await app.stored())?.state === 'running' ? true : undefined));
    });

    it('follows a log anew that is silent for too long, and says nothing while it answers', async () => {
      app.ship(1);
      const { told } = await app.started({ silenceMs: 20 });
      await app.notedAtLeast(1);

      await eventually('that it was followed anew', async () => (app.log.follows >= 3 ? true : undefined));
      app.ship(1, 1);

      expect(await app.notedAtLeast(2)).to.deep.equal(upTo(2));
      expect(told.filter(({ name }) => name === 'waiting' || name === 'stopped')).to.deep.equal([]);
      expect(told.filter(({ name }) => name === 'caught-up')).to.have.length(1);
    });

    it('waits for a log that does not say a word, and goes on when it does', async () => {
      app.ship(2);
      const { told } = await app.started({ silenceMs: 20 });
      await app.notedAtLeast(2);

      app.log.mute();
      await eventually('that it is noticed', async () => told.find(({ name }) => name === 'waiting'));
      app.ship(1, 2);
      expect((await app.stored())?.caughtUp).to.equal(false);
      app.log.heal();

      expect(await app.notedAtLeast(3)).to.deep.equal(upTo(3));
    });

    it('stops at a log that ends before what was handled, and handles nothing of it', async () => {
      app.ship(5);
      await app.started();
      await app.notedAtLeast(5);

      app.log.restoreTo(2);
      const stopped = await app.inState('stopped');
      app.ship(4, 5);
      await sleep(SETTLE_MS);

      expect(stopped.failure).to.include({ code: 'EVENT_LOG_BEHIND', message: undefined });
      expect(await app.noted()).to.deep.equal(upTo(5));
    });

    for (const order of ['stop', 'pause'] as const)
      it(`takes it for no trouble that a ${order} comes while the log is asked where it ends`, async () => {
        app.ship(1);
        app.log.mute();
        const { consumer, told } = await app.started();
        await eventually('that it reads', async () => told.find(({ name }) => name === 'acquired'));

        await consumer[order]();
        if (order === 'pause') await eventually('the pause', async () => told.find(({ name }) => name === 'paused'));

        expect(told.filter(({ name }) => name === 'waiting')).to.deep.equal([]);
        expect(await app.stored()).to.include({ state: 'running', failure: undefined });
      });

    it('reads no further ahead than a little while a handler takes its time', async () => {
      const mayGoOn = gate();
      app.warehouse.before = () => mayGoOn.opened;
      app.ship(500);
      await app.started();
      await eventually('the first message', async () => app.warehouse.seen[0]);
      await sleep(SETTLE_MS);

      const readAhead = app.log.handedOut;
      mayGoOn.open();

      expect(readAhead).to.be.below(200);
      await app.notedAtLeast(500);
    });

    it('refuses a log whose positions mean something else', async () => {
      app.ship(1);
      await app.started();
      await app.notedAtLeast(1);
      const other = new InMemoryEventLog({ name: 'another' });

      const { message } = await failureOf('SUBSCRIPTION_REFUSED', () => app.started({ receiver: other }));

      expect(message).to.contain('parcels').and.to.contain('another');
    });

    it('moves on past what no handler wants, without a message', async () => {
      app.log.append(...app.ship(1).map((parcel, nth) => ({ ...parcel, type: 'Other', revision: BigInt(nth + 1) })));

      await app.started();

      await eventually('the last position', async () => ((await app.stored())?.position === 2n ? true : undefined));
      expect(await app.stored()).to.deep.include({ lastMessage: 1n, messages: 1n });
    });
  });

  describe('of the database', () => {
    it('waits and comes back, and counts no try of the message', async () => {
      let failures = 5;
      failAt(1n, new DatabaseUnavailableError('it was restarted'));
      const failing = app.warehouse.before;
      app.warehouse.before = (message) => (failures > 0 && message.revision === 1n ? (failures--, failing(message)) : undefined);
      app.ship(3);

      await app.started();

      expect(await app.notedAtLeast(3)).to.deep.equal(upTo(3));
      expect(triesOf(1n)).to.equal(6);
      expect((await app.stored())?.state).to.equal('running');
    });
  });

  describe('of a message', () => {
    it('tries it as often as it is told, then stops there, and nothing overtakes it', async () => {
      failAt(2n);
      app.ship(5);

      const { told } = await app.started();
      const { failure } = await app.inState('stopped');

      expect(await app.noted()).to.deep.equal(upTo(2));
      expect(triesOf(2n)).to.equal(3);
      expect(failure).to.include({ attempts: 3, code: 'MESSAGE_REJECTED', nextTryAt: undefined });
      expect(failure!.message).to.include({ revision: 2n, stream: 'shipment-parcels', type: 'ParcelShipped' });
      expect(failure!.error).to.contain('the shelf is full');
      expect(told.at(-1)?.name).to.equal('stopped');
    });

    it('forgets no try when it is started again', async () => {
      failAt(0n);
      app.ship(1);
      const first = await app.started({ retry: { attempts: 3, firstMs: 200, maxMs: 200 } });
      await app.inState('waiting');
      await first.consumer.stop();
      expect(triesOf(0n)).to.equal(1);

      const second = await app.started();
      await app.inState('stopped');
      await second.consumer.stop();
      const { told } = await app.started();
      await eventually('the lease', async () => told.find(({ name }) => name === 'acquired'));
      await sleep(SETTLE_MS);

      expect(triesOf(0n)).to.equal(3);
      expect((await app.stored())?.state).to.equal('stopped');
    });

    it('goes on with it when a person says so', async () => {
      failAt(1n);
      app.ship(3);
      const { consumer } = await app.started();
      await app.inState('stopped');

      mend();
      await consumer.resume();

      expect(await app.notedAtLeast(3)).to.deep.equal(upTo(3));
      expect(await app.inState('running')).to.deep.include({ failure: undefined });
    });

    it('passes it by when a person says so, with a reason', async () => {
      failAt(1n);
      const parcels = app.ship(3);
      const { consumer, told } = await app.started();
      await app.inState('stopped');

      await failureOf('INVALID_OPTIONS', () => consumer.skip(parcels[1]!.id, ' '));
      await failureOf('INVALID_OPTIONS', () => consumer.skip(parcels[0]!.id, 'lost'));
      await consumer.skip(parcels[1]!.id, 'the parcel is lost');

      expect(await app.notedAtLeast(2)).to.deep.equal([0, 2]);
      expect(told.find(({ name }) => name === 'resumed')?.event).to.include({ skipped: parcels[1]!.id, reason: 'the parcel is lost' });
    });

    it('stops at a payload that does not fit', async () => {
      const [parcel] = app.ship(1);
      app.log.append({ ...parcel!, id: 'odd', revision: 1n, json: { orderId: 7 } });
      app.ship(1, 2);

      await app.started();

      expect((await app.inState('stopped')).failure).to.include({ code: 'INVALID_PAYLOAD' });
      expect(await app.noted()).to.deep.equal([0]);
    });

    it('keeps those before it, which were in one transaction with it', async () => {
      app.ship(9);
      failAt(5n);

      const { consumer, told } = await app.started({ batchSize: 4 });

      expect((await app.inState('stopped')).failure).to.deep.include({ attempts: 3, code: 'MESSAGE_REJECTED' });
      expect(await app.noted()).to.deep.equal(upTo(5));
      expect(told.find(({ name }) => name === 'stopped')).to.not.equal(undefined);
      mend();
      await consumer.resume();
      expect(await app.notedAtLeast(9)).to.deep.equal(upTo(9));
    });

    it('waits at one that is newer than its code, and counts no try, until a process that knows it takes over', async () => {
      const [parcel] = app.ship(1);
      app.log.append({ ...parcel!, id: 'newer', revision: 1n, schemaVersion: 3, json: { orderId: '1', parcels: 1, weight: 5 } });
      const { consumer, told } = await app.started();
      await eventually('several tries', async () => (told.filter(({ name }) => name === 'waiting').length > 3 ? true : undefined));
      const { state, failure } = (await app.stored())!;
      await consumer.stop();

      const weighed: number[] = [];
      const Weighed = ParcelShipped.next(z.object({ orderId: z.string(), weight: z.number() }), ({ orderId }) => ({ orderId, weight: 0 }));
      class Scales {
        @InboxHandler(Weighed, { name: 'note-parcel' })
        async onShipped({ data }: Message<EventOf<typeof Weighed>>): Promise<void> {
          weighed.push(data.weight);
        }
      }
      await app.started({ handlers: [new Scales()] });

      expect([state, failure?.code, failure?.attempts]).to.deep.equal(['waiting', 'UNKNOWN_MESSAGE_TYPE', 0]);
      expect(await eventually('the newer one', async () => (weighed.length > 0 ? weighed : undefined))).to.deep.equal([5]);
    });
  });

  describe('and its orders', () => {
    it('handles nothing while it is paused, also after a restart, until it is resumed', async () => {
      app.ship(2);
      const { consumer } = await app.started();
      await app.notedAtLeast(2);
      await consumer.pause();
      await consumer.stop();
      app.ship(2, 2);

      const { consumer: again, told } = await app.started();
      await eventually('the pause', async () => told.find(({ name }) => name === 'paused'));
      await sleep(SETTLE_MS);
      const meanwhile = await app.noted();
      await again.resume();

      expect(meanwhile).to.deep.equal(upTo(2));
      expect(await app.notedAtLeast(4)).to.deep.equal(upTo(4));
    });

    it('tells how far behind it is, and that it has caught up', async () => {
      const mayGoOn = gate();
      app.warehouse.before = ({ revision }) => (revision === 3n ? mayGoOn.opened : undefined);
      app.ship(10);
      const { consumer } = await app.started();
      await app.notedAtLeast(3);

      mayGoOn.open();
      const done = await eventually('that it has caught up', async () => {
        const status = await consumer.status();
        return status?.kind === 'log' && status.caughtUp ? status : undefined;
      });

      expect(done).to.include({ behind: 0n, lagMs: 0, unit: 'events', position: 10n });
      expect(done.owner).to.be.a('string');
    });

    it('does not tell that it has caught up while a handler does not come to an end', async () => {
      const clock = {
        ...systemClock,
        monotonic: () => performance.now() * 20,
        after: (ms: number, act: () => void) => systemClock.after(ms / 20, act),
      };
      const mayGoOn = gate();
      app.ship(2);
      const { consumer, told } = await app.started({ clock, leaseMs: 8_000 });
      const isCaughtUp = async (): Promise<boolean> => (await app.stored())?.caughtUp === true;
      await eventually('that it has caught up', async () => (await isCaughtUp()) || undefined);

      app.warehouse.before = () => mayGoOn.opened;
      app.ship(2, 2);
      await eventually('that it has not', async () => !(await isCaughtUp()) || undefined);
      const status = await consumer.status();
      mayGoOn.open();
      await eventually('that it has caught up again', async () => (await isCaughtUp()) || undefined);

      expect(status?.kind === 'log' && status.lagMs).to.be.above(0);
      expect(await app.noted()).to.deep.equal(upTo(4));
      expect(told.filter(({ name }) => name === 'caught-up')).to.have.length(2);
    });

    it('lets a handler finish when it is stopped, and gives the lease back', async () => {
      const [begun, mayGoOn] = [gate(), gate()];
      app.warehouse.before = async () => {
        begun.open();
        await mayGoOn.opened;
      };
      app.ship(2);
      const { consumer } = await app.started();
      await begun.opened;

      const stopping = consumer.stop();
      mayGoOn.open();
      await stopping;

      expect(await app.noted()).to.deep.equal([0]);
      expect(await app.stored()).to.deep.include({ owner: undefined, position: 1n });
    });

    it('cuts a handler short that does not finish, and tells whoever comes next', async () => {
      const begun = gate();
      app.warehouse.before = () => {
        begun.open();
        return new Promise(() => {});
      };
      app.ship(1);
      const { consumer } = await app.started({ stopWithinMs: 10 });
      await begun.opened;

      await consumer.stop();

      expect((await app.stored())?.failure).to.deep.include({ code: 'CUT_SHORT', attempts: 0 });
      expect(await app.noted()).to.deep.equal([]);
    });
  });

  describe('and who waits for it', () => {
    it('is told when the effects are committed', async () => {
      const parcels = app.ship(3);
      const { consumer } = await app.started();

      expect(await consumer.whenHandled(parcels, { timeoutMs: 5_000 })).to.equal('handled');
      expect(await app.noted()).to.deep.equal(upTo(3));
    });

    it('is told that no handler wants it', async () => {
      const { consumer } = await app.started();

      expect(await consumer.whenHandled([{ id: '1', stream: 'order-1', revision: 0n, type: 'Other' }], {})).to.equal('not-selected');
    });

    it('is told that it has stopped before it', async () => {
      failAt(1n);
      const parcels = app.ship(3);
      const { consumer } = await app.started();

      expect(await consumer.whenHandled(parcels.slice(0, 1), { timeoutMs: 5_000 })).to.equal('handled');
      await failureOf('SUBSCRIPTION_STOPPED', () => consumer.whenHandled(parcels, { timeoutMs: 5_000 }));
    });

    it('is told when it takes too long', async () => {
      const parcels = app.ship(1);
      const { consumer } = app.consumer();

      await failureOf('WAIT_TIMEOUT', () => consumer.whenHandled(parcels, { timeoutMs: 20 }));
    });
  });
});
