import { expect } from 'chai';
import { Cases } from '@waybill/core';
import type { ProcessEvents, StepAnswer } from '@waybill/core';
import { InMemoryDatabase } from '@waybill/core/in-memory';
import type { InMemoryTx } from '@waybill/core/in-memory';
import { gate } from '@waybill/testing';
import { failureOf } from '../shop/failure-of.js';
import { ManualClock } from '../shop/manual-clock.js';
import { Desk } from './desk.js';
import type { DeskOptions } from './desk.js';
import { Cancelled, fulfilmentOf, PaymentTaken, PENDING_MS, Placed, Shipped, StockReserved, UNPAID_MS } from './fulfilment.js';
import type { FulfilmentOptions } from './fulfilment.js';

describe('a process that waits', () => {
  const order = { orderId: '7' };
  const placed = Placed({ ...order, totalCents: 4_200 });
  let clock: ManualClock;
  let database: InMemoryDatabase;
  let desks: Desk<InMemoryTx>[];
  beforeEach(() => {
    clock = new ManualClock();
    database = new InMemoryDatabase({ lanes: 2, clock });
    desks = [];
  });
  afterEach(() => Promise.all(desks.map(({ managers }) => managers.stop())));

  const aDesk = (options: FulfilmentOptions = {}, more: Partial<DeskOptions<InMemoryTx>> = {}): Desk<InMemoryTx> => {
    const desk = new Desk<InMemoryTx>({ database, clock, process: fulfilmentOf(options), ...more });
    desks.push(desk);
    return desk;
  };
  const told = <Name extends keyof ProcessEvents>(desk: Desk<InMemoryTx>, name: Name): ProcessEvents[Name][] => {
    const events: ProcessEvents[Name][] = [];
    desk.managers.on(name, (event) => events.push(event));
    return events;
  };
  const cases = (): Cases<InMemoryTx> => new Cases({ database, by: 'ada' });
  const kinds = async (): Promise<readonly string[]> => (await cases().open()).map(({ kind, process }) => `${kind} ${process!.step}`);

  it('does what its time-out says, when it fires', async () => {
    const desk = aDesk();
    const fired = told(desk, 'timed-out');
    await desk.managers.start();
    await desk.tell(placed);

    await clock.pass(UNPAID_MS - 10_000);
    const before = await desk.look('7');
    await clock.pass(20_000);

    expect(before).to.equal('running: stock pending');
    expect(await desk.look('7')).to.equal('compensating: stock pending, payment failed');
    expect(fired).to.deep.equal([{ process: 'fulfilment', key: '7', timeout: 'unpaid' }]);
  });

  it('fires a time-out that fell due while nothing ran, once, whoever runs', async () => {
    await aDesk().tell(placed);
    await clock.pass(2 * UNPAID_MS);
    const [one, other] = [aDesk(), aDesk()];
    const fired = [told(one, 'timed-out'), told(other, 'timed-out')];

    await Promise.all([one.managers.start(), other.managers.start()]);
    await clock.pass(60_000);

    expect(fired.flat()).to.have.length(1);
    expect(await one.look('7')).to.equal('compensating: stock pending, payment failed');
  });

  it('hears nothing of its time-outs once it is over', async () => {
    const desk = aDesk();
    const fired = told(desk, 'timed-out');
    await desk.managers.start();
    await desk.tellAll(placed, StockReserved(order), PaymentTaken(order), Shipped(order));

    await clock.pass(2 * UNPAID_MS);

    expect(fired).to.deep.equal([]);
    expect(await desk.look('7')).to.include('completed: ');
  });

  it('takes back money that is taken after its time-out', async () => {
    const desk = aDesk();
    await desk.managers.start();
    await desk.tellAll(placed, StockReserved(order));

    await clock.pass(UNPAID_MS + 10_000);
    await desk.tell(PaymentTaken(order));

    expect(await desk.sent('7')).to.deep.equal(['ReserveStock', 'ChargeCard', 'ReleaseStock', 'RefundCard']);
    expect(await desk.look('7')).to.equal('compensated: stock compensated, payment compensated');
  });

  const answers: readonly (readonly [StepAnswer, string, readonly string[]])[] = [
    ['completed', 'running: stock completed, payment completed, shipment pending', ['ShipOrder']],
    ['failed', 'compensated: stock compensated, payment failed', ['ReleaseStock']],
    ['compensate', 'compensated: stock compensated, payment compensated', ['RefundCard', 'ReleaseStock']],
  ];
  for (const [answer, outcome, sent] of answers)
    it(`asks what came of a step that is pending for long, and acts on "${answer}"`, async () => {
      const asked: unknown[] = [];
      const desk = aDesk({
        askPayment: async ({ key, step, state }) => {
          asked.push({ key, step, state });
          return answer;
        },
      });
      await desk.managers.start();
      await desk.tellAll(placed, StockReserved(order));

      await clock.pass(2.5 * PENDING_MS);

      expect(asked).to.deep.equal([{ key: '7', step: 'payment', state: { totalCents: 4_200 } }]);
      expect(await desk.look('7')).to.equal(outcome);
      expect((await desk.sent('7')).slice(2)).to.deep.equal(sent);
    });

  for (const [how, askPayment] of [
    ['nobody knows', async () => 'pending' as const],
    ['asking fails', () => Promise.reject(new Error('503'))],
    ['asking hangs', () => new Promise<StepAnswer>(() => {})],
    ['the answer is none', async () => 'perhaps' as StepAnswer],
  ] as const)
    it(`asks again when ${how}, and gives the step to a person in the end`, async () => {
      const desk = aDesk({ askPayment });
      const stuck = told(desk, 'stuck');
      await desk.managers.start();
      await desk.tellAll(placed, StockReserved(order));

      await clock.pass(1.5 * PENDING_MS);
      const between = [await desk.look('7'), await kinds()];
      await clock.pass(1.5 * PENDING_MS);

      expect(between).to.deep.equal(['running: stock completed, payment pending', []]);
      expect(await desk.look('7')).to.equal('running: stock completed, payment stuck');
      expect(await kinds()).to.deep.equal(['step-stuck payment']);
      expect(stuck.map(({ step }) => step)).to.deep.equal(['payment']);
      expect((await desk.managers.stuck()).map(({ key }) => key)).to.deep.equal(['7']);
    });

  it('holds up no time-out while an answer is awaited', async () => {
    const desk = aDesk({ askPayment: () => new Promise<StepAnswer>(() => {}) }, { statusTimeoutMs: 2 * UNPAID_MS });
    await desk.managers.start();
    await desk.tellAll(placed, StockReserved(order));

    await clock.pass(UNPAID_MS + 10_000);

    expect(await desk.look('7')).to.equal('compensated: stock compensated, payment failed');
  });

  it('holds up no time-out however many there are to ask', async () => {
    const desk = aDesk({ askPayment: () => new Promise<StepAnswer>(() => {}), unpaidMs: 2 * PENDING_MS }, { statusTimeoutMs: UNPAID_MS });
    const others = Array.from({ length: 1_100 }, (_, nth) => ({ orderId: `other-${nth}` }));
    const unhurried = aDesk({ unpaidMs: UNPAID_MS });
    for (const other of others) await unhurried.tellAll(Placed({ ...other, totalCents: 1 }), StockReserved(other));
    await desk.tellAll(placed, StockReserved(order));
    await desk.managers.start();

    await clock.pass(2 * PENDING_MS + 10_000);

    expect(await desk.look('7')).to.equal('compensated: stock compensated, payment failed');
  });

  it('does not act on an answer that a message was faster than', async () => {
    const [isAsked, mayAnswer] = [gate(), gate()];
    const desk = aDesk({
      askPayment: async () => {
        isAsked.open();
        await mayAnswer.opened;
        return 'failed';
      },
    });
    await desk.managers.start();
    await desk.tellAll(placed, StockReserved(order));
    await clock.pass(PENDING_MS + 2_000);
    await isAsked.opened;

    await desk.tell(PaymentTaken(order));
    mayAnswer.open();
    await clock.pass(2_000);

    expect(await desk.look('7')).to.equal('running: stock completed, payment completed, shipment pending');
  });

  const stuckPayment = async (options: FulfilmentOptions = {}): Promise<Desk<InMemoryTx>> => {
    const desk = aDesk(options);
    await desk.managers.start();
    await desk.tellAll(placed, StockReserved(order));
    await clock.pass(3 * PENDING_MS);
    return desk;
  };
  const payment = { process: 'fulfilment', key: '7', step: 'payment' };
  const because = { by: 'ada', reason: 'looked it up' };

  for (const [as, outcome, sent] of [
    ['completed', 'running: stock completed, payment completed, shipment pending', ['ShipOrder']],
    ['failed', 'compensated: stock compensated, payment failed', ['ReleaseStock']],
    ['compensated', 'compensated: stock compensated, payment compensated', ['ReleaseStock']],
  ] as const)
    it(`goes on when a person says that a stuck step is ${as}, and closes its case`, async () => {
      const desk = await stuckPayment();

      await desk.managers.settle(payment, as, because);

      const [closed] = await cases().closed();
      expect(await desk.look('7')).to.equal(outcome);
      expect((await desk.sent('7')).slice(2)).to.deep.equal(sent);
      expect(await kinds()).to.deep.equal([]);
      expect(closed!.closed).to.include(because);
    });

  it('closes the case when a message tells after all', async () => {
    const desk = await stuckPayment();

    await desk.tell(PaymentTaken(order));

    const [closed] = await cases().closed();
    expect(await kinds()).to.deep.equal([]);
    expect(closed!.closed!.by).to.equal('process "fulfilment"');
  });

  it('becomes a case when nobody confirms that a step was taken back, and goes on when a person does', async () => {
    const desk = aDesk({ confirmed: true });
    await desk.managers.start();
    await desk.tellAll(placed, StockReserved(order), Cancelled(order), PaymentTaken(order));
    await clock.pass(PENDING_MS + 5_000);
    const waiting = [await desk.look('7'), await kinds()];

    await desk.managers.settle({ ...payment, step: 'stock' }, 'compensated', because);

    expect(waiting).to.deep.equal(['compensating: stock stuck, payment completed', ['compensation-stuck stock']]);
    expect(await desk.look('7')).to.equal('compensated: stock compensated, payment compensated');
    expect(await kinds()).to.deep.equal([]);
  });

  it('gives to a person what is irreversible and was done after the process was given up', async () => {
    const desk = aDesk();
    await desk.managers.start();
    await desk.tellAll(placed, StockReserved(order), PaymentTaken(order), Cancelled(order));

    await desk.tell(Shipped(order));
    const waiting = [await desk.look('7'), await kinds()];
    await desk.managers.settle({ ...payment, step: 'shipment' }, 'completed', because);

    expect(waiting).to.deep.equal([
      'compensating: stock compensated, payment compensated, shipment stuck',
      ['compensation-stuck shipment'],
    ]);
    expect(await desk.look('7')).to.equal('compensated: stock compensated, payment compensated, shipment completed');
    expect(await kinds()).to.deep.equal([]);
  });

  it('refuses what cannot be said of a step, and changes nothing', async () => {
    const desk = await stuckPayment();
    const before = await desk.process('7');

    const settled = async (
      place: Partial<typeof payment>,
      as: 'completed' | 'failed' | 'compensated' = 'failed',
      why = because,
    ): Promise<string> => (await failureOf('INVALID_OPTIONS', () => desk.managers.settle({ ...payment, ...place }, as, why))).message;

    expect(await settled({ step: 'stock' })).to.include('it is completed already');
    expect(await settled({ step: 'shipment' })).to.include('never begun');
    expect(await settled({ key: '8' })).to.include('no such process');
    expect(await settled({ process: 'billing' })).to.include('not among the processes here');
    expect(await settled({}, 'failed', { by: '', reason: 'r' })).to.include('`by`');
    expect(await settled({}, 'failed', { by: 'ada', reason: ' ' })).to.include('`reason`');
    expect(await desk.process('7')).to.deep.equal(before);
    expect(await kinds()).to.have.length(1);
  });

  it('is tried again, later each time, when a time-out fails, and is in nobody’s way', async () => {
    const desk = aDesk();
    const trouble = told(desk, 'trouble');
    const payments = told(desk, 'timed-out');
    await desk.managers.start();
    await desk.tell(placed);
    const { save } = database.processes;
    let failures = 3;
    database.processes.save = async (process, tx) => {
      if (process.key === '7' && failures-- > 0) throw new Error('full');
      return save.call(database.processes, process, tx);
    };
    await desk.tell(Placed({ orderId: '8', totalCents: 1 }));

    await clock.pass(UNPAID_MS + 20_000);

    expect(trouble).to.have.length(3);
    expect(payments.map(({ key }) => key)).to.deep.equal(['8', '7']);
  });

  it('is removed when it has been over for long', async () => {
    const desk = aDesk({}, { keepMs: 86_400_000 });
    await desk.managers.start();
    await desk.tellAll(placed, StockReserved(order), PaymentTaken(order), Shipped(order));

    await clock.pass(80_000_000);
    const kept = await desk.look('7');
    await clock.pass(20_000_000);

    expect(kept).to.include('completed: ');
    expect(await desk.look('7')).to.equal('never begun');
  }).timeout(20_000);

  it('tells at the start of processes that nobody here handles', async () => {
    await aDesk().tell(placed);
    const renamed = aDesk(
      {},
      { process: { ...fulfilmentOf(), definition: { ...fulfilmentOf().definition, name: 'shipping' }, name: 'shipping' } },
    );
    const unhandled = told(renamed, 'unhandled');

    await renamed.managers.start();

    expect(unhandled).to.deep.equal([{ process: 'fulfilment' }]);
  });
});
