import { expect } from 'chai';
import { delay, SinkUnavailableError } from '@waybill/core';
import type { Dispatcher, DispatcherEvents, RouteOptions, Sink } from '@waybill/core';
import { stopDispatchers } from '../shop/dispatching.js';
import { linkTo } from '../shop/linked-database.js';
import { says } from '../shop/moody-sink.js';
import { OrderDesk } from '../shop/order-desk.js';

const LEASE_MS = 10_000;
const kills = says('deadly');

describe('a lane that its last holder did not give back', () => {
  let desk: OrderDesk;
  let deaths: number;

  beforeEach(() => {
    desk = new OrderDesk();
    deaths = 0;
  });
  stopDispatchers();

  /** A process that is gone, without a word to anybody, in the middle of delivering a deadly message. */
  const mortal = async (route: Partial<RouteOptions>, { slow = false } = {}): Promise<Dispatcher<'memory'>> => {
    const link = linkTo(desk.database);
    const sink: Sink = {
      async deliver(batch, context) {
        if (!batch.some(kills)) {
          if (slow) await delay(desk.clock, 100, context.signal); // longer than it takes to kill
          return link.cut ? { accepted: 0, failure: new SinkUnavailableError('the process is gone') } : desk.sink.deliver(batch, context);
        }
        link.cut = true;
        deaths++;
        await new Promise((resolve) => context.signal.addEventListener('abort', resolve));
        return { accepted: 0, failure: new SinkUnavailableError('the process is gone') };
      },
    };
    return desk.started({ sink, ...route }, { database: link.database, instance: `process ${deaths}`, leaseMs: LEASE_MS });
  };
  /** One process after another, each started when the lease of the one before is over; until one survives, which tells what it did. */
  const restartUntilOneSurvives = async (route: Partial<RouteOptions>, sink = {}): Promise<Dispatcher<'memory'>> => {
    for (;;) {
      const before = deaths;
      const dispatcher = await mortal(route, sink);
      await desk.clock.pass(LEASE_MS + 1_100);
      if (deaths === before) return dispatcher;
      expect(deaths, 'processes that died').to.be.at.most(10);
    }
  };
  const outcomes = async (messageId: string): Promise<readonly string[]> =>
    (await desk.database.status.attempts({ messageId })).map(({ outcome }) => outcome).reverse();

  it('is delivered one by one at first, each try counted before it is made, and in batches again behind that', async () => {
    await desk.note('one', 'a', 'deadly', 'b');
    await mortal({ batch: { size: 3 } });
    await desk.note('two', 'c', 'd', 'e');
    desk.sink.feel(() => 'accept');
    const counted: unknown[] = [];
    const innocent: Sink = {
      async deliver(batch, context) {
        const [lane] = await desk.database.status.lanes();
        counted.push([lane!.failure?.messageId === batch[0]!.id, lane!.failure?.attempts]);
        return desk.sink.deliver(batch, context);
      },
    };

    await desk.clock.pass(LEASE_MS);
    const second = desk.dispatcher({ sink: innocent, batch: { size: 3 } }, { instance: 'second' });
    const told = desk.listenTo(second);
    await second.start();
    await desk.clock.pass(1_000);

    expect(told[0]!.event).to.include({ takenOver: true });
    expect(desk.sink.calls).to.deep.equal([['one@0'], ['one@1'], ['one@2'], ['two@0', 'two@1', 'two@2']]);
    expect(counted).to.deep.equal([
      [true, 1],
      [true, 1],
      [true, 1],
      [false, undefined],
    ]);
    expect((await second.lanes())[0]).to.include({ state: 'running', suspects: 0, pending: 0, failure: undefined });
  });

  it('is delivered in batches where the last holder gave it back', async () => {
    await (await desk.started()).stop();
    await desk.note('one', 'a', 'b', 'c');

    await desk.started();

    expect(desk.sink.calls).to.deep.equal([['one@0', 'one@1', 'one@2']]);
  });

  for (const [onFailure, state] of [
    ['halt', 'halted'],
    ['halt-stream', 'halted'],
    ['park-stream', 'parked'],
  ] as const) {
    it(`is freed, by ${onFailure}, of a message that kills each process that touches it, after three that died of it alone`, async () => {
      const receipt = await desk.note('poor', 'good', 'deadly', 'behind');
      await desk.note('other', 'a');

      const survivor = await restartUntilOneSurvives({ onFailure });

      expect(deaths).to.equal(4); // the first had a batch in hand
      expect(desk.sink.revisionsOf('poor')).to.deep.equal([0n]);
      expect(desk.sink.revisionsOf('other')).to.deep.equal(onFailure === 'halt' ? [] : [0n]);
      const [stop] = onFailure === 'halt' ? await survivor.lanes() : await survivor.stopped('memory');
      const { failure } = stop!;
      expect(stop!.state).to.equal(state);
      expect(failure).to.include({ messageId: receipt.messages[1]!.id, attempts: 3, code: 'MESSAGE_REJECTED' });
      expect(failure!.error).to.include('the process was gone while it delivered this message alone, 3 times in a row');
      expect(await outcomes(receipt.messages[1]!.id)).to.deep.equal(['crashed', 'crashed', 'crashed']);
    });
  }

  it('is not blamed for what a message of another lane did to the process', async () => {
    desk = new OrderDesk({ lanes: 4 });
    const [deadly, ...innocent] = [0, 1, 2, 3].map((lane) => desk.idsOn(lane, 1)[0]!);
    await desk.note(deadly!, 'deadly');
    for (const id of innocent) await desk.note(id, 'slow');

    const survivor = await restartUntilOneSurvives({}, { slow: true });
    await desk.clock.pass(LEASE_MS);

    expect((await survivor.lanes()).map(({ state }) => state)).to.deep.equal(['halted', 'running', 'running', 'running']);
    for (const id of innocent) expect(desk.sink.revisionsOf(id), id).to.deep.equal([0n]);
  });

  it('is freed, by discard, of a message that kills, and its stream goes on', async () => {
    const receipt = await desk.note('poor', 'good', 'deadly', 'behind');

    const survivor = await restartUntilOneSurvives({ onFailure: 'discard' });

    expect(deaths).to.equal(4);
    expect(desk.sink.revisionsOf('poor')).to.deep.equal([0n, 2n]);
    expect(await survivor.delivered(receipt, 'memory')).to.equal('skipped');
    expect(await outcomes(receipt.messages[1]!.id)).to.deep.equal(['crashed', 'crashed', 'crashed', 'discarded']);
  });

  it('gives up a message that kills after fewer deaths where its route allows fewer tries', async () => {
    await desk.note('poor', 'deadly');

    await restartUntilOneSurvives({ onFailure: 'park-stream', retry: { attempts: 1 } });

    expect(deaths).to.equal(2);
  });

  it('does not take refusals for deaths', async () => {
    const receipt = await desk.note('poor', 'deadly');
    let isDeadly = false;
    const link = linkTo(desk.database);
    const sink: Sink = {
      async deliver(batch, context) {
        if (!isDeadly) return desk.sink.deliver(batch, context);
        link.cut = true;
        await new Promise((resolve) => context.signal.addEventListener('abort', resolve));
        return { accepted: 0, failure: new SinkUnavailableError('the process is gone') };
      },
    };
    desk.sink.feel(() => 'refuse');
    const patient = { onFailure: 'park-stream', retry: { attempts: 10, firstMs: 1_000, maxMs: 1_000 } } as const;
    await desk.started({ ...patient, sink }, { database: link.database, instance: 'first' });
    await desk.clock.pass(3_500);
    isDeadly = true;
    await desk.clock.pass(1_000);
    expect(link.cut).to.equal(true);
    desk.sink.feel(() => 'accept');

    await desk.clock.pass(LEASE_MS);
    const second = desk.dispatcher(patient, { instance: 'second' });
    await second.start();
    await desk.clock.pass(2_000);

    expect(await second.delivered(receipt, 'memory')).to.equal('delivered');
  });

  it('finds what kills in the middle of what is redriven, without the lane losing its others', async () => {
    desk.sink.feel((message) => (says('bad')(message) ? 'refuse-for-good' : 'accept'));
    const receipt = await desk.note('poor', 'bad', 'b', 'c', 'deadly', 'behind');
    const first = await desk.started({ onFailure: 'park-stream' });
    desk.sink.feel(() => 'accept');
    await first.stop();
    await first.redrive('memory', 'all');

    const survivor = await restartUntilOneSurvives({ onFailure: 'park-stream' });
    await desk.note('other', 'a');
    await desk.clock.pass(1_000);

    expect(deaths).to.equal(4);
    const accepted = desk.sink.revisionsOf('poor');
    expect(accepted).to.deep.equal([0n, 1n, 2n]);
    expect(desk.sink.revisionsOf('other')).to.deep.equal([0n]);
    const [stop] = await survivor.stopped('memory');
    expect(stop).to.deep.include({ state: 'parked', fromRevision: 3n });
    expect(stop!.failure.messageId).to.equal(receipt.messages[3]!.id);
  });

  it('does not count an outage while it tries one by one', async () => {
    const receipt = await desk.note('poor', 'deadly');
    await mortal({ onFailure: 'park-stream' });
    await desk.clock.pass(LEASE_MS);
    desk.sink.feel(() => 'away');
    const second = desk.dispatcher({ onFailure: 'park-stream' }, { instance: 'second' });
    const attempts: number[] = [];
    second.on('waiting', (event: DispatcherEvents['waiting']) => attempts.push(event.attempts));

    await second.start();
    await desk.clock.pass(300_000);
    desk.sink.feel(() => 'accept');
    await desk.clock.pass(31_000);

    expect(attempts.length).to.be.above(5);
    expect(new Set(attempts)).to.deep.equal(new Set([0]));
    expect(await second.delivered(receipt, 'memory')).to.equal('delivered');
  });
});
