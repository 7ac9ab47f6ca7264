import { expect } from 'chai';
import type { DispatcherEvents, Receipt } from '@waybill/core';
import { stopDispatchers } from '../shop/dispatching.js';
import { failureOf } from '../shop/failure-of.js';
import { says } from '../shop/moody-sink.js';
import { OrderDesk } from '../shop/order-desk.js';

const isBad = says('bad');
const THREE_TRIES_MS = 1_000 + 2_000 + 10;

describe('a stream that stops while its lane goes on', () => {
  let desk: OrderDesk;

  beforeEach(() => {
    desk = new OrderDesk();
    desk.sink.feel((message) => (isBad(message) ? 'refuse' : 'accept'));
  });
  stopDispatchers();

  const names = (told: readonly { readonly name: string }[]): readonly string[] =>
    told.map(({ name }) => name).filter((name) => name !== 'delivered' && name !== 'lane-acquired');
  const noteOneBadStream = async (): Promise<Receipt> => {
    const receipt = await desk.note('poor', 'good', 'bad', 'behind');
    await desk.note('other', 'a', 'b');
    return receipt;
  };

  for (const [onFailure, state, event] of [
    ['halt-stream', 'halted', 'stream-halted'],
    ['park-stream', 'parked', 'parked'],
  ] as const) {
    describe(`with the policy ${onFailure}`, () => {
      it('lets the other streams of its lane flow from its first failure on, and delivers nothing behind the failed message', async () => {
        await noteOneBadStream();

        await desk.started({ onFailure });
        await desk.note('poor', 'later');
        await desk.note('other', 'c');
        await desk.clock.pass(100);

        expect(desk.sink.accepted).to.deep.equal(['poor@0', 'other@0', 'other@1', 'other@2']);
      });

      it('tries the message again with growing waits, alone, and stops when its tries are used up', async () => {
        const receipt = await noteOneBadStream();
        const dispatcher = desk.dispatcher({ onFailure });
        const told = desk.listenTo(dispatcher);
        await dispatcher.start();

        await desk.clock.pass(THREE_TRIES_MS);
        await desk.clock.pass(300_000);

        expect(names(told)).to.deep.equal(['waiting', 'waiting', event]);
        const waits = told.filter(({ name }) => name === 'waiting').map((one) => one.event as DispatcherEvents['waiting']);
        expect(waits.map(({ attempts, stops, waitMs }) => ({ attempts, stops, waitMs: Math.round(waitMs) }))).to.deep.equal([
          { attempts: 1, stops: 'stream', waitMs: 1_000 },
          { attempts: 2, stops: 'stream', waitMs: 2_000 },
        ]);
        const last = told.at(-1)!.event as DispatcherEvents['parked'];
        expect(last).to.deep.include({ route: 'memory', lane: 0, attempts: 3 });
        expect(last.message).to.include({ id: receipt.messages[1]!.id, stream: 'order-poor', revision: 1n });
        expect(last.error).to.include({ code: 'MESSAGE_REJECTED' });
        expect(desk.sink.calls.filter(([first]) => first === 'poor@1')).to.deep.equal([['poor@1'], ['poor@1']]);
      });

      it('is listed with where it stands and why, and its lane is running', async () => {
        const receipt = await noteOneBadStream();
        const dispatcher = await desk.started({ onFailure });
        await desk.clock.pass(THREE_TRIES_MS);

        const [stop, ...others] = await dispatcher.stopped('memory');

        expect(others).to.deep.equal([]);
        expect(stop).to.deep.include({ route: 'memory', lane: 0, stream: 'order-poor', fromRevision: 1n, state });
        expect(stop!.failure).to.deep.include({
          messageId: receipt.messages[1]!.id,
          attempts: 3,
          code: 'MESSAGE_REJECTED',
          nextTryAt: undefined,
        });
        const [lane] = await dispatcher.lanes();
        expect(lane).to.include({ state: 'running', stopped: 1, pending: 0, failure: undefined });
      });

      it('stops at once where trying again cannot help', async () => {
        desk.sink.feel((message) => (isBad(message) ? 'refuse-for-good' : 'accept'));
        await noteOneBadStream();
        const dispatcher = desk.dispatcher({ onFailure });
        const told = desk.listenTo(dispatcher);

        await dispatcher.start();
        await desk.clock.pass(10);

        expect(names(told)).to.deep.equal([event]);
        expect((await dispatcher.stopped('memory')).map((stop) => stop.state)).to.deep.equal([state]);
      });

      it('flows again by itself when a try gets through: what piled up first, in order', async () => {
        await noteOneBadStream();
        const dispatcher = await desk.started({ onFailure });
        const told = desk.listenTo(dispatcher);
        await desk.note('poor', 'later');

        desk.sink.feel(() => 'accept');
        await desk.clock.pass(1_100);
        await desk.note('poor', 'last');
        await desk.clock.pass(10);

        expect(desk.sink.revisionsOf('poor')).to.deep.equal([0n, 1n, 2n, 3n, 4n]);
        expect(names(told)).to.deep.equal(['redriven']);
        expect(await dispatcher.stopped('memory')).to.deep.equal([]);
        expect(desk.sink.calls.slice(-3)).to.deep.equal([['poor@1'], ['poor@2', 'poor@3'], ['poor@4']]);
      });

      it('keeps tries, state and next try over a restart', async () => {
        await noteOneBadStream();
        const first = await desk.started({ onFailure });
        await desk.clock.pass(1_100);
        await first.stop();
        const [before] = await first.stopped('memory');

        const second = await desk.started({ onFailure });
        const told = desk.listenTo(second);
        expect((await second.stopped('memory'))[0]).to.deep.equal(before);
        expect(before).to.deep.include({ state: 'waiting', fromRevision: 1n });
        expect(before!.failure.attempts).to.equal(2);
        await desk.clock.pass(1_800);
        expect(names(told)).to.deep.equal([]);
        await desk.clock.pass(200);

        expect(names(told)).to.deep.equal([event]);
        await second.stop();
        const third = await desk.started({ onFailure });
        await desk.clock.pass(300_000);
        expect((await third.stopped('memory')).map((stop) => stop.state)).to.deep.equal([state]);
        expect(desk.sink.revisionsOf('poor')).to.deep.equal([0n]);
      });
    });
  }

  it('has receipts wait while it is halted, and says so when the wait is limited', async () => {
    const receipt = await noteOneBadStream();
    const dispatcher = await desk.started({ onFailure: 'halt-stream' });
    await desk.clock.pass(THREE_TRIES_MS);
    const waiting = failureOf('WAIT_TIMEOUT', () => dispatcher.delivered(receipt, 'memory', { timeoutMs: 60_000 }));

    await desk.clock.pass(61_000);

    await waiting;
  });

  it('rejects receipts of what is parked, and of what is parked behind it; not of what was delivered before', async () => {
    const receipt = await noteOneBadStream();
    const dispatcher = await desk.started({ onFailure: 'park-stream' });
    await desk.clock.pass(THREE_TRIES_MS);
    const later = await desk.note('poor', 'later');
    await desk.clock.pass(10);

    const error = await failureOf('PARKED', () => dispatcher.delivered(receipt, 'memory'));

    expect(error).to.include({ route: 'memory', stream: 'order-poor', revision: 1n });
    expect((await failureOf('PARKED', () => dispatcher.delivered(later, 'memory'))).revision).to.equal(3n);
    const [first] = receipt.messages;
    expect(await dispatcher.delivered({ ...receipt, messages: [first!] }, 'memory')).to.equal('delivered');
  });

  describe('with the policy discard', () => {
    it('is a stream that waits for the tries of its message, and goes on behind it', async () => {
      const receipt = await noteOneBadStream();
      const dispatcher = desk.dispatcher({ onFailure: 'discard' });
      const told = desk.listenTo(dispatcher);
      await dispatcher.start();
      await desk.clock.pass(100);
      expect(desk.sink.accepted).to.deep.equal(['poor@0', 'other@0', 'other@1']);

      await desk.clock.pass(THREE_TRIES_MS);

      expect(desk.sink.revisionsOf('poor')).to.deep.equal([0n, 2n]);
      expect(names(told)).to.deep.equal(['waiting', 'waiting', 'discarded', 'redriven']);
      const discarded = told.find(({ name }) => name === 'discarded')!.event as DispatcherEvents['discarded'];
      expect(discarded.message.id).to.equal(receipt.messages[1]!.id);
      expect(await dispatcher.stopped('memory')).to.deep.equal([]);
    });

    it('answers "skipped" to who waits, and keeps the discard in the audit', async () => {
      const receipt = await noteOneBadStream();
      const dispatcher = await desk.started({ onFailure: 'discard' });
      await desk.clock.pass(THREE_TRIES_MS);

      expect(await dispatcher.delivered(receipt, 'memory')).to.equal('skipped');
      const [action] = await desk.database.actions.recorded('memory', 10);
      expect(action).to.include({ kind: 'discard', messageId: receipt.messages[1]!.id, stream: 'order-poor', outcome: 'done' });
    });

    it('discards at once what can never be delivered, without stopping anything', async () => {
      desk.sink.feel((message) => (isBad(message) ? 'refuse-for-good' : 'accept'));
      const receipt = await noteOneBadStream();

      const dispatcher = await desk.started({ onFailure: 'discard' });
      await desk.clock.pass(10);

      expect(desk.sink.accepted).to.deep.equal(['poor@0', 'poor@2', 'other@0', 'other@1']);
      expect(await dispatcher.delivered(receipt, 'memory')).to.equal('skipped');
    });
  });
});
