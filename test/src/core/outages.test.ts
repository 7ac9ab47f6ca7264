import { expect } from 'chai';
import type { DispatcherEvents, Sink } from '@waybill/core';
import { gate, isWaiting } from '@waybill/testing';
import { aRunningDispatcher, next, stopDispatchers } from '../shop/dispatching.js';
import { linkTo } from '../shop/linked-database.js';
import { MoodySink, says } from '../shop/moody-sink.js';
import { OrderDesk } from '../shop/order-desk.js';
import { orderEvents } from '../shop/order.js';

const LANES = 16;
const HALF_AN_HOUR_MS = 30 * 60_000;
const MINUTES_MS = 3 * 60_000;

describe('an outage of the sink', () => {
  let desk: OrderDesk;

  beforeEach(() => (desk = new OrderDesk({ lanes: LANES })));
  stopDispatchers();

  /** An order on each lane, with so many notes. */
  const noteOnEveryLane = async (...texts: readonly string[]): Promise<void> => {
    for (let lane = 0; lane < LANES; lane++) for (const id of desk.idsOn(lane, 1)) await desk.note(id, ...texts);
  };
  const away = (): void => desk.sink.feel(() => 'away');
  const back = (): void => desk.sink.feel(() => 'accept');

  for (const onFailure of ['halt', 'halt-stream', 'park-stream', 'discard'] as const) {
    it(`of half an hour costs no message a try, stops nothing with ${onFailure}, and everything is delivered after it`, async () => {
      away();
      const dispatcher = desk.dispatcher({ onFailure });
      const told = desk.listenTo(dispatcher);
      await dispatcher.start();
      await noteOnEveryLane('a', 'b');

      await desk.clock.pass(HALF_AN_HOUR_MS);
      const during = told.map(({ name }) => name);
      const lanes = await dispatcher.lanes();
      back();
      await desk.clock.pass(31_000);

      const waits = told.filter(({ name }) => name === 'waiting').map(({ event }) => (event as DispatcherEvents['waiting']).attempts);
      expect(new Set(waits)).to.deep.equal(new Set([0]));
      expect(new Set(during)).to.deep.equal(new Set(['lane-acquired', 'waiting', 'outage']));
      expect(lanes.every(({ stopped, state }) => stopped === 0 && state !== 'halted')).to.equal(true);
      expect(desk.sink.accepted).to.have.length(2 * LANES);
      expect((await dispatcher.lanes()).every(({ pending, state }) => pending === 0 && state === 'running')).to.equal(true);
    });
  }

  it('is probed by one lane at a time, with growing waits, whatever is committed meanwhile', async () => {
    const SECONDS_TO_FAIL_MS = 5_000;
    let [atOnce, mostSideBySide] = [0, 0];
    const slow: Sink = {
      async deliver(batch, context) {
        mostSideBySide = Math.max(mostSideBySide, ++atOnce);
        await new Promise<void>((resolve) => desk.clock.after(SECONDS_TO_FAIL_MS, resolve));
        atOnce--;
        return desk.sink.deliver(batch, context);
      },
    };
    away();
    const dispatcher = await desk.started({ sink: slow });
    await noteOnEveryLane('a');
    await desk.clock.pass(2 * SECONDS_TO_FAIL_MS);
    expect(mostSideBySide).to.equal(LANES); // nobody knew
    const atFirst = desk.sink.calls.length;
    mostSideBySide = 0;

    for (let minute = 0; minute < 10; minute++) {
      await noteOnEveryLane(`of minute ${minute}`);
      await desk.clock.pass(60_000);
    }

    expect(mostSideBySide).to.equal(1);
    const probes = desk.sink.calls.length - atFirst;
    expect(probes).to.be.within(10, 30); // one or two a minute, and a few more at first
    const stopped = dispatcher.stop();
    await desk.clock.pass(SECONDS_TO_FAIL_MS);
    await stopped;
  });

  it('is told once, when several lanes have found it, and that it is over', async () => {
    away();
    const dispatcher = await desk.started();
    const told = desk.listenTo(dispatcher);
    await noteOnEveryLane('a');
    await desk.clock.pass(MINUTES_MS);
    back();
    await desk.clock.pass(31_000);

    const turns = told.filter(({ name }) => name === 'outage' || name === 'recovered');
    expect(turns.map(({ name }) => name)).to.deep.equal(['outage', 'recovered']);
    expect((turns[0]!.event as DispatcherEvents['outage']).error).to.include({ code: 'SINK_UNAVAILABLE' });
  });

  for (const [lanes, seconds, seed] of [
    ...[0.1, 60, 1_800].map((length) => [LANES, length, 1] as const),
    ...[1, 2, 3, 4, 5, 6].map((nth) => [2, 600, nth] as const),
  ]) {
    it(`of ${seconds} s ends for all of ${lanes} lanes at once when one gets through: nobody waits for the rest of a backoff (${seed})`, async () => {
      desk = new OrderDesk({ lanes });
      let drawn = seed;
      away();
      const dispatcher = await desk.started({}, { random: () => (drawn = (drawn * 16_807) % 2_147_483_647) / 2_147_483_647 });
      for (let lane = 0; lane < lanes; lane++) await desk.note(desk.idsOn(lane, 1)[0]!, 'a');
      await desk.clock.pass(seconds * 1_000);
      back();
      const through = next(dispatcher, 'delivered');

      for (let waitedMs = 0; waitedMs < 30_000 && desk.sink.accepted.length === 0; waitedMs += 50) await desk.clock.pass(50);
      await through;
      await desk.clock.pass(1);

      expect(desk.sink.accepted).to.have.length(lanes);
    });
  }

  it('does not hold up a lane of another route', async () => {
    const other = new MoodySink();
    away();
    const routes = { memory: { sink: desk.sink }, other: { sink: other } };
    await aRunningDispatcher({ database: desk.database, catalogue: orderEvents, clock: desk.clock, routes });
    await noteOnEveryLane('a');
    await desk.clock.pass(10);

    expect(other.accepted).to.have.length(LANES);
  });

  describe('for one message only', () => {
    const isPoison = says('always 500');
    const poisonous = (): void => desk.sink.feel((message) => (isPoison(message) ? 'away' : 'accept'));

    it('is poison in disguise, parked after its tries, while other lanes get through', async () => {
      poisonous();
      const dispatcher = await desk.started({ onFailure: 'park-stream' });
      const [poor] = desk.idsOn(0, 1);
      const receipt = await desk.note(poor!, 'always 500', 'behind');
      const [other] = desk.idsOn(1, 1);

      for (let second = 0; second < 60; second++) {
        await desk.note(other!, `note ${second}`);
        await desk.clock.pass(1_000);
      }

      const [stop] = await dispatcher.stopped('memory');
      expect(stop).to.deep.include({ stream: `order-${poor}`, state: 'parked', fromRevision: 0n });
      expect(stop!.failure).to.include({ messageId: receipt.messages[0]!.id, attempts: 3 });
      expect(desk.sink.revisionsOf(other!)).to.have.length(60);
      expect(desk.sink.revisionsOf(poor!)).to.deep.equal([]);
    });

    it('halts its lane after its tries where the policy is halt, while other lanes get through', async () => {
      poisonous();
      const dispatcher = await desk.started({ onFailure: 'halt' });
      const halted = next(dispatcher, 'halted');
      await desk.note(desk.idsOn(0, 1)[0]!, 'always 500');

      for (let second = 0; second < 60; second++) {
        await desk.note(desk.idsOn(1, 1)[0]!, `note ${second}`);
        await desk.clock.pass(1_000);
      }

      expect(await halted).to.deep.include({ lane: 0, attempts: 3 });
    });

    for (const onFailure of ['halt-stream', 'park-stream', 'discard'] as const) {
      it(`is found with ${onFailure} also where the route has one lane, and nothing of its stream is left out or overtakes`, async () => {
        desk = new OrderDesk();
        poisonous();
        const dispatcher = await desk.started({ onFailure });
        await desk.note('poor', 'always 500', 'behind');
        await desk.note('other', 'first');
        await desk.note('poor', 'far behind');

        for (let second = 0; second < 120; second++) {
          await desk.note('other', `note ${second}`);
          await desk.clock.pass(1_000);
        }

        expect(desk.sink.revisionsOf('other')).to.deep.equal(Array.from({ length: 121 }, (_, nth) => BigInt(nth)));
        expect(desk.sink.revisionsOf('poor')).to.deep.equal(onFailure === 'discard' ? [1n, 2n] : []);
        const states = (await dispatcher.stopped('memory')).map(({ state }) => state);
        expect(states).to.deep.equal({ 'halt-stream': ['halted'], 'park-stream': ['parked'], discard: [] }[onFailure]);
      });
    }

    it('is discarded with a single try, and nothing behind it is left out', async () => {
      desk = new OrderDesk();
      poisonous();
      await desk.started({ onFailure: 'discard', retry: { attempts: 1, firstMs: 1_000, maxMs: 1_000 } });
      await desk.note('poor', 'always 500', 'behind', 'far behind');
      await desk.note('other', 'a');

      for (let second = 0; second < 60; second++) {
        await desk.note('other', `note ${second}`);
        await desk.clock.pass(1_000);
      }

      expect(desk.sink.revisionsOf('poor')).to.deep.equal([1n, 2n]);
      expect(desk.sink.revisionsOf('other')).to.have.length(61);
    });

    it('is found for two streams of one lane at a time', async () => {
      desk = new OrderDesk();
      poisonous();
      const dispatcher = await desk.started({ onFailure: 'park-stream' });
      await desk.note('poor', 'always 500');
      await desk.note('poorer', 'always 500');

      for (let second = 0; second < 300; second++) {
        await desk.note('other', `note ${second}`);
        await desk.clock.pass(1_000);
      }

      const stopped = await dispatcher.stopped('memory');
      expect(stopped.map(({ stream, state }) => `${stream} ${state}`)).to.have.members(['order-poor parked', 'order-poorer parked']);
      expect(desk.sink.revisionsOf('other')).to.have.length(300);
    });

    it('is found also where others come pages behind its stream', async () => {
      desk = new OrderDesk();
      poisonous();
      const dispatcher = await desk.started({ onFailure: 'park-stream', batch: { size: 1 } });
      await desk.note('poor', 'always 500', 'behind', 'far behind');
      await desk.note('other', 'a');

      for (let second = 0; second < 60; second++) {
        await desk.note('other', `note ${second}`);
        await desk.clock.pass(1_000);
      }

      expect((await dispatcher.stopped('memory')).map(({ state, fromRevision }) => ({ state, fromRevision }))).to.deep.equal([
        { state: 'parked', fromRevision: 0n },
      ]);
      expect(desk.sink.revisionsOf('other')).to.deep.equal(Array.from({ length: 61 }, (_, nth) => BigInt(nth)));
    });

    it('is found beside one of another stream that is refused', async () => {
      desk = new OrderDesk();
      desk.sink.feel((message) => (isPoison(message) ? 'away' : says('bad')(message) ? 'refuse' : 'accept'));
      const dispatcher = await desk.started({ onFailure: 'park-stream' });
      await desk.note('poor', 'always 500');
      await desk.note('bad', 'bad');

      for (let second = 0; second < 120; second++) {
        await desk.note('other', `note ${second}`);
        await desk.clock.pass(1_000);
      }

      const stopped = await dispatcher.stopped('memory');
      expect(stopped.map(({ stream, state }) => `${stream} ${state}`)).to.have.members(['order-poor parked', 'order-bad parked']);
    });

    it('counts nothing while nobody else gets through', async () => {
      desk = new OrderDesk();
      poisonous();
      const dispatcher = await desk.started({ onFailure: 'park-stream' });
      await desk.note('poor', 'always 500', 'behind');

      await desk.clock.pass(HALF_AN_HOUR_MS);

      expect(await dispatcher.stopped('memory')).to.deep.equal([]);
      const [lane] = await dispatcher.lanes();
      expect(lane).to.include({ state: 'waiting', pending: 2 });
      expect(lane!.failure!.attempts).to.equal(0);
    });
  });

  it('in which it never answers ends with the dispatcher, which tells it so', async () => {
    const busy = gate();
    const mute: Sink = {
      async deliver(_batch, { signal }) {
        busy.open();
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        throw new Error('cut short');
      },
    };
    const dispatcher = await desk.started({ sink: mute }, { stopWithinMs: 2_000 });
    await noteOnEveryLane('a');
    await busy.opened;
    await desk.clock.pass(MINUTES_MS);

    const stopped = dispatcher.stop();
    await desk.clock.pass(1_900);
    expect(await isWaiting(stopped)).to.equal(true);
    await desk.clock.pass(200);
    await stopped;

    const lanes = await dispatcher.lanes();
    expect(lanes.every(({ owner, pending }) => owner === undefined && pending === 1)).to.equal(true);
    expect(lanes.every(({ failure }) => (failure?.attempts ?? 0) === 0)).to.equal(true);
  });

  describe('in which it neither answers nor listens', () => {
    const deaf: Sink = { deliver: () => new Promise<never>(() => {}) };

    it('does not keep the dispatcher from stopping', async () => {
      const dispatcher = await desk.started({ sink: deaf }, { stopWithinMs: 2_000 });
      await noteOnEveryLane('a');
      await desk.clock.pass(MINUTES_MS);

      const stopped = dispatcher.stop();
      await desk.clock.pass(2_900);
      expect(await isWaiting(stopped)).to.equal(true);
      await desk.clock.pass(200);
      await stopped;

      const lanes = await dispatcher.lanes();
      expect(lanes.every(({ owner, pending }) => owner === undefined && pending === 1)).to.equal(true);
    });

    it('does not keep a process that lost its leases from coming back to all its lanes', async () => {
      let isDeaf = true;
      const link = linkTo(desk.database);
      const sink: Sink = { deliver: (batch, context) => (isDeaf ? deaf : desk.sink).deliver(batch, context) };
      const dispatcher = await desk.started({ sink }, { database: link.database });
      const lost = next(dispatcher, 'lease-lost');
      await noteOnEveryLane('a');
      await desk.clock.pass(100);

      link.cut = true;
      await desk.clock.pass(12_000);
      await lost;
      [link.cut, isDeaf] = [false, false];
      await desk.clock.pass(5_000);

      expect((await dispatcher.lanes()).every(({ owner, pending }) => owner !== undefined && pending === 0)).to.equal(true);
      expect(new Set(desk.sink.accepted).size).to.equal(LANES);
    });
  });
});
