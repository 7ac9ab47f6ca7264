import { expect } from 'chai';
import { SinkUnavailableError } from '@waybill/core';
import type { Sink } from '@waybill/core';
import { stopDispatchers } from '../shop/dispatching.js';
import { says } from '../shop/moody-sink.js';
import { OrderDesk } from '../shop/order-desk.js';

/** Sends all of a batch side by side, as the sinks of EventStoreDB and HTTP do; at a bad message its target always answers 500. */
function sideBySide(isAway: () => boolean): Sink {
  return {
    deliver: (batch) => {
      const bad = isAway() ? 0 : batch.findIndex(says('bad'));
      if (bad < 0) return Promise.resolve({ accepted: batch.length });
      const acceptedBeyond = isAway() ? [] : [...batch.keys()].filter((index) => batch[index]!.stream !== batch[bad]!.stream);
      const failure = new SinkUnavailableError('it answered 500');
      return Promise.resolve({ accepted: bad, acceptedBeyond: acceptedBeyond.filter((index) => index > bad), failure });
    },
  };
}

describe('a message that always gets 500, at a sink that takes what is behind it', () => {
  let desk: OrderDesk;

  beforeEach(async () => {
    desk = new OrderDesk();
    await desk.note('poor', 'bad');
    await desk.note('other', 'good');
  });
  stopDispatchers();

  it('uses up its tries and halts its lane: the others get through with every try', async () => {
    const dispatcher = await desk.started({ sink: sideBySide(() => false) });

    await desk.clock.pass(60_000);

    const [lane] = await dispatcher.lanes();
    expect(lane).to.deep.include({ state: 'halted' });
    expect(lane!.failure).to.deep.include({ attempts: 3, code: 'SINK_UNAVAILABLE' });
  });

  it('loses no try while nobody gets through', async () => {
    const dispatcher = await desk.started({ sink: sideBySide(() => true) });

    await desk.clock.pass(600_000);

    const [lane] = await dispatcher.lanes();
    expect(lane).to.deep.include({ state: 'waiting' });
    expect(lane!.failure).to.deep.include({ attempts: 0 });
  });
});
