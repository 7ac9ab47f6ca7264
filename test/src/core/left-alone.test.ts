import { expect } from 'chai';
import { delay, SinkUnavailableError, TargetUnavailableError } from '@waybill/core';
import type { Delivery, DispatcherEvents, OutboxMessage, Sink } from '@waybill/core';
import { stopDispatchers } from '../shop/dispatching.js';
import { placeOf, says } from '../shop/moody-sink.js';
import { OrderDesk } from '../shop/order-desk.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const ANSWERS_AFTER_MS = 10;

describe('a target that asks to be left alone for a while', () => {
  let desk: OrderDesk;
  let calls: { readonly at: number; readonly place: string }[];
  /** What it asks for, from now on. */
  let retryAfterMs: number | undefined;

  beforeEach(() => {
    desk = new OrderDesk({ lanes: 4 });
    calls = [];
    retryAfterMs = undefined;
  });
  stopDispatchers();

  const isBusy = says('when it is busy');
  const target: Sink = {
    async deliver(batch: readonly OutboxMessage[]): Promise<Delivery> {
      calls.push({ at: desk.clock.monotonic(), place: placeOf(batch[0]!) });
      await delay(desk.clock, ANSWERS_AFTER_MS);
      if (retryAfterMs === undefined || !isBusy(batch[0]!)) return { accepted: batch.length };
      return { accepted: 0, failure: new SinkUnavailableError('429', { retryAfterMs }) };
    },
  };
  const on = (lane: number): string => desk.idsOn(lane, 1)[0]!;
  const times = (): readonly number[] => calls.map(({ at }) => at);

  it('is not called again before that, by any lane of the route, and then by all', async () => {
    const dispatcher = await desk.started({ sink: target });
    const told = desk.listenTo(dispatcher);
    retryAfterMs = 10 * MINUTE_MS;
    await desk.note(on(0), 'when it is busy');
    await desk.clock.pass(100);
    const [asked] = times().map((at) => at + ANSWERS_AFTER_MS);
    retryAfterMs = undefined;

    for (const lane of [1, 2, 3]) await desk.note(on(lane), 'a');
    await desk.clock.pass(10 * MINUTE_MS - 200);
    expect(calls).to.have.length(1);
    await desk.clock.pass(1_000);

    expect(calls).to.have.length(5);
    for (const at of times().slice(1)) expect(at - asked!).to.be.within(10 * MINUTE_MS, 10 * MINUTE_MS + 1_000);
    const waiting = told.find(({ name }) => name === 'waiting')!.event as DispatcherEvents['waiting'];
    expect(waiting).to.include({ waitMs: 10 * MINUTE_MS, attempts: 0 });
  });

  it('is left alone also where others get through at the same time, and by a stream that waits alone', async () => {
    desk = new OrderDesk({ lanes: 2 });
    const dispatcher = await desk.started({
      sink: target,
      onFailure: 'park-stream',
      retry: { attempts: 10, firstMs: 1_000, maxMs: 2_000 },
    });
    retryAfterMs = 20_000;
    await desk.note(on(0), 'when it is busy');

    for (let second = 0; second < 120; second++) {
      await desk.note(on(1), `note ${second}`);
      await desk.clock.pass(1_000);
    }

    const busy = calls.filter(({ place }) => place === `${on(0)}@0`).map(({ at }) => at);
    expect(busy.length).to.be.within(4, 7);
    for (const [nth, at] of busy.entries()) {
      const next = calls.find((call) => call.at > at + ANSWERS_AFTER_MS);
      if (nth < busy.length - 1) expect(next!.at - at, 'to the next call of anybody').to.be.at.least(20_000);
    }
    expect((await dispatcher.stopped('memory')).map(({ state }) => state)).to.deep.equal(['waiting']);
  });

  it('is tried again after an hour at the latest', async () => {
    await desk.started({ sink: target });
    retryAfterMs = 24 * HOUR_MS;
    await desk.note(on(0), 'when it is busy');
    await desk.clock.pass(100);

    await desk.clock.pass(HOUR_MS - 1_000);
    expect(calls).to.have.length(1);
    await desk.clock.pass(2_000);

    expect(calls).to.have.length(2);
  });

  it('is waited for by the backoff where that is longer, and where it asks for nonsense', async () => {
    for (const nonsense of [1, -5, Number.NaN, undefined]) {
      desk = new OrderDesk();
      calls = [];
      await desk.started({
        sink: {
          deliver: () => {
            calls.push({ at: desk.clock.monotonic(), place: '' });
            return Promise.resolve({ accepted: 0, failure: new SinkUnavailableError('busy', { retryAfterMs: nonsense }) });
          },
        },
      });
      await desk.note('7', 'a');
      await desk.clock.pass(3_500);

      expect(calls, String(nonsense)).to.have.length(3); // after a second, and two more
    }
  });

  it('is heard also where the sink throws what a policy says of it', async () => {
    const throwing: Sink = {
      mostAtOnce: 1,
      deliver: (_batch, { mayBeRepeat }) => {
        calls.push({ at: desk.clock.monotonic(), place: String(mayBeRepeat) });
        return Promise.reject(new TargetUnavailableError('the target', 'its breaker is open', { retryAfterMs: MINUTE_MS }));
      },
    };
    await desk.started({ sink: throwing });

    await desk.note(on(0), 'a');
    await desk.clock.pass(MINUTE_MS + 1_000);

    expect(calls.map(({ place }) => place)).to.deep.equal(['false', 'false']); // nothing was done: nothing is in doubt
    expect(calls[1]!.at - calls[0]!.at).to.be.at.least(MINUTE_MS);
  });

  it('does not keep its lanes from what operators order', async () => {
    const dispatcher = await desk.started({ sink: target });
    retryAfterMs = HOUR_MS;
    const receipt = await desk.note(on(0), 'when it is busy', 'behind');
    await desk.clock.pass(1_000);

    await dispatcher.skip('memory', receipt.messages[0]!.id, 'it is not needed');
    await desk.clock.pass(1_000);

    expect((await dispatcher.actions('memory')).map(({ kind, outcome }) => [kind, outcome])).to.deep.equal([['skip', 'done']]);
    expect(calls).to.have.length(1);
    await desk.clock.pass(HOUR_MS);
    expect(calls).to.have.length(2);
  });
});
