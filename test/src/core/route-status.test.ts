import { expect } from 'chai';
import type { Dispatcher, DispatcherEvents } from '@waybill/core';
import { stopDispatchers } from '../shop/dispatching.js';
import { linkTo } from '../shop/linked-database.js';
import { says } from '../shop/moody-sink.js';
import { OrderDesk } from '../shop/order-desk.js';

type Status = DispatcherEvents['route-status'];

describe('how a route stands', () => {
  let desk: OrderDesk;

  beforeEach(() => {
    desk = new OrderDesk({ lanes: 4 });
    desk.sink.feel((message) => (says('bad')(message) ? 'refuse-for-good' : says('late')(message) ? 'away' : 'accept'));
  });
  stopDispatchers();

  const listenTo = (dispatcher: Dispatcher<'memory'>): Status[] => {
    const reports: Status[] = [];
    dispatcher.on('route-status', (report) => reports.push(report));
    return reports;
  };
  const [NOTHING, A_SECOND] = [{ deliveredPerSecond: 0, failedPerSecond: 0 }, 1_000];

  it('is told every half minute, and says so when there is nothing to tell of', async () => {
    const reports = listenTo(await desk.started());

    await desk.clock.pass(29_000);
    expect(reports).to.deep.equal([]);
    await desk.clock.pass(62_000);

    const idle = { route: 'memory', pending: 0, oldestAgeMs: 0, stoppedStreams: 0, ...NOTHING };
    expect(reports).to.deep.equal([idle, idle, idle]);
  });

  it('is what waits, since when, what is stopped, and how fast it goes', async () => {
    const patient = { onFailure: 'park-stream', retry: { firstMs: 60_000, maxMs: 60_000 } } as const;
    const reports = listenTo(await desk.started(patient, { reportEveryMs: 10_000 }));
    await desk.clock.pass(3_999);
    await desk.note(desk.idsOn(0, 1)[0]!, 'late', 'behind');
    await desk.note(desk.idsOn(1, 1)[0]!, ...Array.from({ length: 22 }, (_, nth) => `note ${nth}`));
    await desk.note(desk.idsOn(2, 1)[0]!, 'bad', 'behind');

    await desk.clock.pass(6_100);

    const [report] = reports;
    expect(report).to.include({ route: 'memory', pending: 2, oldestAgeMs: 6_000, stoppedStreams: 1, deliveredPerSecond: 2 });
    expect(report!.failedPerSecond).to.be.greaterThan(0);
  });

  it('forgets how fast it was within a minute', async () => {
    const dispatcher = await desk.started({}, { reportEveryMs: 10_000 });
    const reports = listenTo(dispatcher);
    await desk.note('7', 'a');
    await desk.clock.pass(11_000);
    expect(reports.at(-1)!.deliveredPerSecond).to.be.greaterThan(0);

    await desk.clock.pass(70_000);

    expect(reports.at(-1)).to.include(NOTHING);
  });

  it('is looked for again after the database could not tell', async () => {
    const link = linkTo(desk.database);
    const dispatcher = await desk.started({}, { database: link.database, reportEveryMs: A_SECOND });
    const reports = listenTo(dispatcher);
    const doings: string[] = [];
    dispatcher.on('trouble', ({ doing }) => doings.push(doing));

    link.cut = true;
    await desk.clock.pass(2 * A_SECOND);
    expect(reports).to.deep.equal([]);
    link.cut = false;
    await desk.clock.pass(2 * A_SECOND);

    expect(doings).to.include('looking how routes stand');
    expect(reports).not.to.deep.equal([]);
  });

  it('is one object of plain JSON, at any moment, with the rates of the instance that is asked', async () => {
    const dispatcher = await desk.started({ onFailure: 'park-stream' }, { instance: 'host-1' });
    await desk.started({ onFailure: 'park-stream' }, { instance: 'host-2' });
    await desk.clock.pass(9_100);
    const [late, fine, bad] = [0, 1, 2].map((lane) => desk.idsOn(lane, 1)[0]!);
    await desk.note(late!, 'late', 'behind');
    await desk.note(fine!, 'a');
    await desk.note(bad!, 'bad', 'behind');
    await desk.clock.pass(900);

    const { at, routes } = JSON.parse(JSON.stringify(await dispatcher.snapshot())) as Awaited<ReturnType<typeof dispatcher.snapshot>>;

    expect(at).to.equal(desk.clock.now().toISOString());
    expect(routes).to.have.length(1);
    const { deliveredPerSecond, failedPerSecond, liveInstances, ...rest } = routes[0]!;
    expect(rest).to.deep.equal({
      ...{ name: 'memory', order: 'stream', retired: false, lanes: 4, held: 4, running: 3, waiting: 1, halted: 0 },
      ...{ pending: 2, capped: false, oldestAt: new Date(desk.clock.now().getTime() - 900).toISOString(), oldestAgeMs: 900 },
      stoppedStreams: { total: 1, waiting: 0, halted: 0, parked: 1, redriving: 0 },
    });
    expect(liveInstances).to.have.members(['host-1', 'host-2']);
    const elsewhere = (await desk.database.status.lanes()).find(({ lane }) => lane === 1)!.owner === 'host-2';
    expect(deliveredPerSecond! > 0).to.equal(!elsewhere);
    expect(failedPerSecond).to.be.at.least(0);
  });
});
