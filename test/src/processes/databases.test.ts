import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { Cases } from '@waybill/core';
import type { DomainEvent, RecordedCase, Moment, StepAnswer } from '@waybill/core';
import { CrashPoints, eventually } from '@waybill/testing';
import { onEveryDatabase } from '../databases/databases.js';
import type { OpenDatabase, OpenedDatabase } from '../databases/databases.js';
import { Desk } from './desk.js';
import { fulfilmentOf, PaymentDeclined, PaymentTaken, Placed, Shipped, ShippingFailed, StockReserved } from './fulfilment.js';
import type { FulfilmentOptions } from './fulfilment.js';

onEveryDatabase('processes', <Tx>(open: OpenDatabase<Tx>) => {
  let shop: OpenedDatabase<Tx>;
  let desks: Desk<Tx>[] = [];
  /** One a test: they share the database. */
  let orderId: string;

  before(async () => (shop = await open()));
  beforeEach(() => (orderId = randomUUID()));
  afterEach(async () => {
    await Promise.all(desks.map(({ managers }) => managers.stop()));
    desks = [];
  });
  after(() => shop?.close());

  const aDesk = (options: FulfilmentOptions = {}, crashes = new CrashPoints(), shortMs?: number): Desk<Tx> => {
    const process = fulfilmentOf({ ...options, ...(shortMs !== undefined && { unpaidMs: shortMs }) });
    const desk = new Desk<Tx>({ database: shop.database, process, reached: crashes.reached, pollMs: 20 });
    desks.push(desk);
    return desk;
  };
  const untilHandled = async (desk: Desk<Tx>, event: DomainEvent): Promise<void> => {
    const id = randomUUID();
    await eventually(`${event.type} to be handled`, async () => {
      try {
        await desk.tell(event, id);
        return true;
      } catch {
        return undefined;
      }
    });
  };

  for (const moment of ['claimed', 'handled', 'projected', 'appended', 'committed'] satisfies readonly Moment[])
    it(`send everything once when they crash at "${moment}", at every message`, async () => {
      const crashes = new CrashPoints();
      const desk = aDesk({}, crashes);
      const events = [
        Placed({ orderId, totalCents: 4_200 }),
        StockReserved({ orderId }),
        PaymentTaken({ orderId }),
        ShippingFailed({ orderId }),
      ];

      for (const event of events) {
        crashes.throwAt(moment);
        await untilHandled(desk, event);
      }

      expect(await desk.sent(orderId)).to.deep.equal(['ReserveStock', 'ChargeCard', 'ShipOrder', 'RefundCard', 'ReleaseStock']);
      expect(await desk.look(orderId)).to.equal('compensated: stock compensated, payment compensated, shipment failed');
    });

  it('begin once when eight messages for a new one come at once, in two processes', async () => {
    const [one, other] = [aDesk(), aDesk()];

    await Promise.all(
      Array.from({ length: 8 }, (_, nth) => untilHandled(nth % 2 === 0 ? one : other, Placed({ orderId, totalCents: 4_200 }))),
    );

    expect(await one.sent(orderId)).to.deep.equal(['ReserveStock']);
    expect(await one.look(orderId)).to.equal('running: stock pending');
  });

  it('lose nothing when all their messages come at once', async () => {
    const desk = aDesk();
    await desk.tell(Placed({ orderId, totalCents: 4_200 }));

    const all = [
      StockReserved({ orderId }),
      PaymentTaken({ orderId }),
      PaymentDeclined({ orderId, reason: 'late' }),
      ShippingFailed({ orderId }),
    ];
    await Promise.all(all.map((event) => untilHandled(desk, event)));

    const sent = await desk.sent(orderId);
    expect(await desk.look(orderId)).to.match(/^compensated: /);
    for (const [done, undone] of [['ReserveStock', 'ReleaseStock']] as const)
      expect(sent.filter((type) => type === done)).to.have.length(sent.filter((type) => type === undone).length);
  });

  it('fire a time-out once, of two that look at the same time', async () => {
    const fired: string[] = [];
    const running = [aDesk({}, undefined, 50), aDesk({}, undefined, 50), aDesk({}, undefined, 50)];
    for (const { managers } of running) managers.on('timed-out', ({ key, timeout }) => fired.push(`${timeout} ${key}`));
    await running[0]!.tell(Placed({ orderId, totalCents: 4_200 }));

    await Promise.all(running.map(({ managers }) => managers.start()));
    await eventually('the time-out', async () => ((await running[0]!.look(orderId)).includes('payment failed') ? true : undefined));

    await Promise.all(running.map(({ managers }) => managers.stop()));
    expect(fired).to.deep.equal([`unpaid ${orderId}`]);
  });

  it('fire a time-out that fell due while nothing ran, also when they crash as it fires', async () => {
    await aDesk({}, undefined, 1).tell(Placed({ orderId, totalCents: 4_200 }));
    const crashes = new CrashPoints();
    crashes.throwAt('projected');
    const desk = aDesk({}, crashes, 1);

    await desk.managers.start();
    await eventually('the time-out', async () => ((await desk.look(orderId)).includes('payment failed') ? true : undefined));

    expect(await desk.look(orderId)).to.equal('compensating: stock pending, payment failed');
  });

  it('ask what came of a step, and go on by the answer', async () => {
    const desk = aDesk({ askPayment: async () => 'completed', pendingMs: 50 });
    await desk.tell(Placed({ orderId, totalCents: 4_200 }));
    await desk.tell(StockReserved({ orderId }));

    await desk.managers.start();
    await eventually('the shipment', async () => ((await desk.sent(orderId)).includes('ShipOrder') ? true : undefined));
    await desk.tell(Shipped({ orderId }));
    expect(await desk.look(orderId)).to.match(/payment completed, shipment completed$/);
  });

  it('give a step to a person that nobody can decide, and go on when the person has', async () => {
    const desk = aDesk({ askPayment: () => Promise.reject<StepAnswer>(new Error('503')), statusAttempts: 1 });
    const quick = aDesk({ askPayment: () => Promise.reject<StepAnswer>(new Error('503')), statusAttempts: 1, pendingMs: 20 });
    await quick.tell(Placed({ orderId, totalCents: 4_200 }));
    await quick.tell(StockReserved({ orderId }));
    await quick.managers.start();
    const cases = new Cases({ database: shop.database, by: 'ada' });
    const mine = async (): Promise<RecordedCase | undefined> => (await cases.open()).find(({ process }) => process?.key === orderId);

    const found = await eventually('the case', mine);
    await desk.managers.settle({ process: 'fulfilment', key: orderId, step: 'payment' }, 'failed', { by: 'ada', reason: 'no money came' });

    expect(found).to.include({ kind: 'step-stuck', of: 'fulfilment' });
    expect(found.detail).to.include('503');
    expect(await mine()).to.equal(undefined);
    expect(await desk.look(orderId)).to.equal('compensated: stock compensated, payment failed');
  });
});
