import { expect } from 'chai';
import type { Dispatcher, DispatcherEvents } from '@waybill/core';
import { eventually, gate } from '@waybill/testing';
import { stopDispatchers } from '../shop/dispatching.js';
import { OrderDesk } from '../shop/order-desk.js';

const AN_HOUR_MS = 3_600_000;

describe('a commit in the process that dispatches', () => {
  let desk: OrderDesk;

  beforeEach(() => (desk = new OrderDesk({ lanes: 4 })));
  stopDispatchers();

  /** No time passes in these tests: whatever happens needs no poll. */
  const withoutPolls = async (route: Parameters<OrderDesk['dispatcher']>[0] = {}): Promise<Dispatcher<'memory'>> => {
    const dispatcher = desk.dispatcher(route, { pollMs: AN_HOUR_MS });
    let lanes = 0;
    dispatcher.on('lane-acquired', () => void lanes++);
    await dispatcher.start();
    await eventually('the lanes', async () => (lanes === (route.order === 'global' ? 1 : 4) ? true : undefined));
    return dispatcher;
  };
  const accepted = (count: number): Promise<true> =>
    eventually(`${count} deliveries`, async () => (desk.sink.accepted.length >= count ? true : undefined));

  it('is delivered without any poll', async () => {
    const dispatcher = await withoutPolls();
    const told: DispatcherEvents['delivered'][] = [];
    dispatcher.on('delivered', (event) => told.push(event));

    const receipt = await desk.note('7', 'a', 'b');
    await accepted(2);

    expect(desk.sink.accepted).to.deep.equal(['7@0', '7@1']);
    expect(await dispatcher.delivered(receipt, 'memory')).to.equal('delivered');
    expect(told.map(({ count, sinceCommitMs }) => ({ count, sinceCommitMs }))).to.deep.equal([{ count: 2, sinceCommitMs: 0 }]);
  });

  for (const order of ['stream', 'global'] as const) {
    it(`is delivered through its lane, behind what was committed before it, with order "${order}"`, async () => {
      await withoutPolls({ order });
      const ids = ['1', '2', '3', '4', '5'];

      for (let nth = 0; nth < 10; nth++) await Promise.all(ids.map((id) => desk.note(id, `note ${nth}`)));
      await accepted(50);

      for (const id of ids) expect(desk.sink.revisionsOf(id)).to.deep.equal(Array.from({ length: 10 }, (_, nth) => BigInt(nth)));
      if (order === 'global') expect(desk.sink.mostSideBySide).to.equal(1);
    });
  }

  it('is delivered also when it comes in the middle of a delivery', async () => {
    const [busy, mayGoOn] = [gate(), gate()];
    let calls = 0;
    await withoutPolls({
      sink: {
        async deliver(batch, context) {
          busy.open();
          if (calls++ === 0) await mayGoOn.opened;
          return desk.sink.deliver(batch, context);
        },
      },
    });
    await desk.note('7', 'a');
    await busy.opened;

    await desk.note('7', 'b');
    mayGoOn.open();
    await accepted(2);

    expect(desk.sink.calls).to.deep.equal([['7@0'], ['7@1']]);
  });

  it('waits behind a stopped stream, and what is redriven needs no poll either', async () => {
    desk.sink.feel(() => 'refuse-for-good');
    const dispatcher = await withoutPolls({ onFailure: 'park-stream' });
    await desk.note('7', 'a', 'b');
    await eventually('the stop', async () => ((await dispatcher.stopped('memory')).length > 0 ? true : undefined));
    desk.sink.feel(() => 'accept');
    await desk.note('7', 'c');

    await dispatcher.redrive('memory', { stream: 'order-7' });
    await accepted(3);

    expect(desk.sink.accepted).to.deep.equal(['7@0', '7@1', '7@2']);
  });
});
