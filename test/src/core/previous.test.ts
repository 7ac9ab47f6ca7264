import { expect } from 'chai';
import type { Sink } from '@waybill/core';
import { CrashPoints, eventually, leaseRoute, settleLane } from '@waybill/testing';
import { answeredEvents, AnsweringSink } from '../shop/answering-sink.js';
import { stopDispatchers } from '../shop/dispatching.js';
import { linkTo } from '../shop/linked-database.js';
import { says } from '../shop/moody-sink.js';
import { OrderDesk } from '../shop/order-desk.js';
import { Order } from '../shop/order.js';

const ORDERS = { streams: ['order-'] };
const LEASE_MS = 10_000;
/** Longer than from one poll to the next. */
const POLL_MS = 1_100;
const THREE_TRIES_MS = 1_000 + 2_000 + 10;

describe('what a sink is told to have come before a message', () => {
  let sink: AnsweringSink;
  let desk: OrderDesk;

  beforeEach(() => {
    sink = new AnsweringSink();
    desk = new OrderDesk({ sink, catalogue: answeredEvents });
  });
  stopDispatchers();

  const started: OrderDesk['started'] = (route, options) => desk.started({ ...ORDERS, ...route }, options);
  const away = (text: string): void => sink.feel((message) => (says(text)(message) ? 'away' : 'accept'));
  const refuse = (...texts: readonly string[]): void =>
    sink.feel((message) => (texts.some((text) => says(text)(message)) ? 'refuse' : 'accept'));
  const accept = (): void => sink.feel(() => 'accept');
  /** The messages that were answered with an answer that was kept. */
  const answered = async (): Promise<readonly string[]> => {
    const { tail } = await desk.database.transactions.run((tx) => desk.database.outbox.headAndTail('key-answers', 0n, tx));
    return tail.map(({ payload }) => (JSON.parse(payload) as { to: string }).to);
  };

  it('is nothing before the first of a stream, and then the one before it, in the batch or in one before', async () => {
    await desk.note('one', 'a', 'b');
    await desk.note('two', 'c');
    await started({ batch: { size: 2 } });

    await desk.note('one', 'd');
    await desk.clock.pass(POLL_MS);

    expect(sink.told).to.deep.equal(['one@0 after nothing', 'one@1 after 0', 'two@0 after nothing', 'one@2 after 1']);
  });

  it('is what the route delivered, and not what lies between', async () => {
    refuse('bad');
    const { messages } = await desk.note('one', 'a', 'bad', 'c');
    const dispatcher = await started({ retry: { attempts: 1 } });

    await dispatcher.skip('memory', messages[1]!.id, 'withdrawn');
    await desk.clock.pass(POLL_MS);

    expect(sink.told.at(-1)).to.equal('one@2 after 0');
  });

  it('is the placeholder of a message that was skipped, where the sink gets one', async () => {
    sink = new AnsweringSink({ needsWholeStreams: true });
    desk = new OrderDesk({ sink, catalogue: answeredEvents });
    refuse('bad');
    const { messages } = await desk.note('one', 'a', 'bad', 'c');
    const dispatcher = await started({ retry: { attempts: 1 } });
    accept();

    await dispatcher.skip('memory', messages[1]!.id, 'withdrawn');
    await desk.clock.pass(POLL_MS);

    expect(sink.told.slice(-2)).to.deep.equal(['one@1 after 0', 'one@2 after 1']);
    expect(await answered()).to.deep.equal(['one@0', 'one@1', 'one@2']);
  });

  it('is known to the next holder of the lane', async () => {
    await desk.note('one', 'a');
    await (await started()).stop();
    await desk.note('one', 'b');

    await started();

    expect(sink.told).to.deep.equal(['one@0 after nothing', 'one@1 after 0']);
  });

  it("is each route's own", async () => {
    await desk.note('one', 'a');
    const other = new AnsweringSink();
    other.feel(() => 'away');
    const routes = {
      first: { sink, start: 'beginning', ...ORDERS },
      second: { sink: other, start: 'beginning', ...ORDERS },
    } as const;
    await desk.dispatcherOf(routes).start();
    await desk.clock.pass(POLL_MS);

    await desk.note('one', 'b');
    other.feel(() => 'accept');
    await desk.clock.pass(60_000);

    expect(sink.told).to.deep.equal(['one@0 after nothing', 'one@1 after 0']);
    expect(new Set(other.told)).to.deep.equal(new Set(['one@0 after nothing', 'one@1 after 0']));
  });

  it('is asked of the database once a stream, and not at all for a sink that does not tell', async () => {
    const asked: string[][] = [];
    const lanes = Object.create(desk.database.lanes, {
      delivered: { value: (route: string, streams: string[]) => (asked.push(streams), desk.database.lanes.delivered(route, streams)) },
    }) as typeof desk.database.lanes;
    const database = Object.create(desk.database, { lanes: { value: lanes } }) as typeof desk.database;
    const mute: Sink = { deliver: async (batch) => ({ accepted: batch.length }) };
    await desk.note('one', 'a', 'b');
    const routes = { telling: { sink, start: 'beginning', ...ORDERS }, mute: { sink: mute, start: 'beginning', ...ORDERS } } as const;
    await desk.dispatcherOf(routes, { database }).start();
    await desk.clock.pass(POLL_MS);

    await desk.note('one', 'c');
    await desk.note('two', 'd');
    await desk.clock.pass(POLL_MS);

    expect(asked.flat()).to.deep.equal(['order-one', 'order-two']);
  });

  it('is still right after more streams than a lane remembers', async () => {
    const many = Array.from({ length: 10_001 }, (_, nth) => `s${nth}`);
    sink.answer(() => []);
    await desk.unitOfWork.run(async ({ track }) => {
      for (const id of many) track(new Order(id)).note('a');
    });
    await started({ batch: { size: 10_000 } });
    await desk.clock.pass(POLL_MS);
    sink.told.length = 0;

    await desk.note('s0', 'b');
    await desk.note('s10000', 'c');
    await desk.clock.pass(POLL_MS);

    expect(sink.told).to.deep.equal(['s0@1 after 0', 's10000@1 after 0']);
  });

  it("is nobody's knowledge for a message that was delivered already, and the one before it in the batch for those behind", async () => {
    const route = await leaseRoute(desk.database, { name: 'memory', start: 'beginning', selection: ORDERS });
    await settleLane(route, route.held[0]!, { delivered: [{ stream: 'order-one', revision: 1n }] });
    await desk.database.leases.release(route.held.map(({ lease }) => lease));
    await desk.note('one', 'a', 'b', 'c');

    await started();

    expect(sink.told).to.deep.equal(['one@0 after nothing', 'one@1 after 0', 'one@2 after 1']);
  });

  // Each way in which a lane settles what was delivered: with it goes which message was the last, and what was answered.
  describe('stays right, and every answer is kept once,', () => {
    it('behind an outage in the middle of a batch', async () => {
      away('bad');
      await desk.note('one', 'a', 'bad', 'c');
      await started();
      await answersAre('one@0');

      accept();
      await desk.clock.pass(60_000);

      expect(sink.told.slice(-2)).to.deep.equal(['one@1 after 0', 'one@2 after 1']);
      await answersAre('one@0', 'one@1', 'one@2');
    });

    it('behind a halt, and in the process that goes on there', async () => {
      refuse('bad');
      await desk.note('one', 'a', 'bad', 'c');
      const first = await started();
      await desk.clock.pass(THREE_TRIES_MS);
      await first.stop();

      accept();
      const second = await started();
      await second.resume('memory');
      await desk.clock.pass(POLL_MS);

      expect(sink.told.slice(-2)).to.deep.equal(['one@1 after 0', 'one@2 after 1']);
      await answersAre('one@0', 'one@1', 'one@2');
    });

    it('where one stream stops alone, and its tail is delivered later', async () => {
      refuse('bad');
      await desk.note('poor', 'a', 'bad', 'c');
      await desk.note('other', 'd');
      const dispatcher = await started({ onFailure: 'park-stream', retry: { attempts: 1 } });
      await desk.note('poor', 'e');
      await desk.note('other', 'f');
      await desk.clock.pass(POLL_MS);
      await answersAre('poor@0', 'other@0', 'other@1');

      accept();
      await dispatcher.redrive('memory', { stream: 'order-poor' });
      await desk.clock.pass(POLL_MS);
      await desk.note('poor', 'g');
      await desk.clock.pass(POLL_MS);

      expect(sink.told.slice(-4)).to.deep.equal(['poor@1 after 0', 'poor@2 after 1', 'poor@3 after 2', 'poor@4 after 3']);
      await answersAre('poor@0', 'other@0', 'other@1', 'poor@1', 'poor@2', 'poor@3', 'poor@4');
    });

    it('in a tail that is longer than a batch', async () => {
      refuse('bad');
      await desk.note('poor', 'bad', ...Array.from({ length: 4 }, (_, nth) => String(nth)));
      const dispatcher = await started({ onFailure: 'park-stream', retry: { attempts: 1 }, batch: { size: 2 } });
      await desk.clock.pass(POLL_MS);

      accept();
      await dispatcher.redrive('memory', { stream: 'order-poor' });
      await desk.clock.pass(POLL_MS);

      expect(sink.told.slice(-5)).to.deep.equal(['poor@0 after nothing', ...[1, 2, 3, 4].map((nth) => `poor@${nth} after ${nth - 1}`)]);
      await answersAre(...[0, 1, 2, 3, 4].map((nth) => `poor@${nth}`));
    });

    it('in a tail that stops again, and in one that meets an outage', async () => {
      refuse('bad', 'worse');
      await desk.note('poor', 'bad', 'b', 'worse', 'd', 'away', 'f');
      const dispatcher = await started({ onFailure: 'park-stream', retry: { attempts: 1 } });

      refuse('worse');
      await dispatcher.redrive('memory', { stream: 'order-poor' });
      await desk.clock.pass(POLL_MS);
      await answersAre('poor@0', 'poor@1');
      away('away');
      await dispatcher.redrive('memory', { stream: 'order-poor' });
      await desk.clock.pass(POLL_MS);
      await answersAre('poor@0', 'poor@1', 'poor@2', 'poor@3');
      accept();
      await desk.clock.pass(60_000);

      expect(sink.told.slice(-2)).to.deep.equal(['poor@4 after 3', 'poor@5 after 4']);
      await answersAre(...[0, 1, 2, 3, 4, 5].map((nth) => `poor@${nth}`));
    });

    it('where another message is tried instead of one that the sink never takes', async () => {
      away('bad');
      await desk.note('poor', 'a', 'bad');
      await desk.note('other', 'b');
      await started({ onFailure: 'park-stream' });
      await desk.clock.pass(600_000);
      await desk.note('other', 'c');
      await desk.clock.pass(60_000);

      expect(sink.told).to.include('poor@1 after 0').and.to.include('other@0 after nothing').and.to.include('other@1 after 0');
      await answersAre('poor@0', 'other@0', 'other@1');
    });

    it('after a process that was killed, message by message', async () => {
      const crash = new CrashPoints();
      const link = linkTo(desk.database);
      await desk.note('one', 'a', 'b', 'c');
      const held = crash.holdAt('delivered');
      await started({}, { database: link.database, leaseMs: LEASE_MS, reached: crash.reached, instance: 'mortal' });
      const { release } = await held;
      link.cut = true;
      release();
      await answersAre();
      sink.told.length = 0;

      const second = await started({}, { leaseMs: LEASE_MS, instance: 'heir' });
      await desk.clock.pass(LEASE_MS + 2_000);
      await eventually('the rest', async () => ((await second.lanes())[0]!.pending === 0 ? true : undefined));

      expect(sink.told).to.deep.equal(['one@0 after nothing', 'one@1 after 0', 'one@2 after 1']);
      await answersAre('one@0', 'one@1', 'one@2');
    });

    async function answersAre(...expected: readonly string[]): Promise<void> {
      expect(await answered()).to.deep.equal(expected);
    }
  });
});
