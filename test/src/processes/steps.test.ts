import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { defineState, processManager, unchecked } from '@waybill/core';
import { InMemoryDatabase } from '@waybill/core/in-memory';
import type { InMemoryTx } from '@waybill/core/in-memory';
import { Desk } from './desk.js';
import {
  Cancelled,
  fulfilmentOf,
  PaymentDeclined,
  PaymentTaken,
  Placed,
  ReleaseStock,
  ReserveStock,
  ShipOrder,
  Shipped,
  ShippingFailed,
  StockReleased,
  StockReserved,
} from './fulfilment.js';
import type { FulfilmentOptions } from './fulfilment.js';

const Told = defineState(unchecked<{ told: number }>());

describe('a process', () => {
  const order = { orderId: '7' };
  const placed = Placed({ ...order, totalCents: 4_200 });
  const deskOf = (options: FulfilmentOptions = {}): Desk<InMemoryTx> =>
    new Desk({ database: new InMemoryDatabase({ lanes: 2 }), process: fulfilmentOf(options) });
  let desk: Desk<InMemoryTx>;
  beforeEach(() => (desk = deskOf()));

  it('begins with a message, and sends its first command in the same transaction', async () => {
    await desk.tell(placed);

    const found = await desk.process('7');
    expect(await desk.look('7')).to.equal('running: stock pending');
    expect(JSON.parse(found!.state)).to.deep.equal({ totalCents: 4_200 });
    expect(await desk.sent('7')).to.deep.equal(['ReserveStock']);
  });

  it('goes from step to step, and ends when all is done', async () => {
    await desk.tellAll(placed, StockReserved(order), PaymentTaken(order), Shipped(order));

    expect(await desk.sent('7')).to.deep.equal(['ReserveStock', 'ChargeCard', 'ShipOrder']);
    expect(await desk.look('7')).to.equal('completed: stock completed, payment completed, shipment completed');
  });

  it('sends what it remembers', async () => {
    await desk.tellAll(placed, StockReserved(order));

    const [, charge] = await desk.sentMessages('7');
    expect(charge!.data).to.deep.equal({ orderId: '7', totalCents: 4_200 });
  });

  it('takes back what was done, last step first, when a later one fails', async () => {
    await desk.tellAll(placed, StockReserved(order), PaymentTaken(order), ShippingFailed(order));

    expect(await desk.sent('7')).to.deep.equal(['ReserveStock', 'ChargeCard', 'ShipOrder', 'RefundCard', 'ReleaseStock']);
    expect(await desk.look('7')).to.equal('compensated: stock compensated, payment compensated, shipment failed');
    expect((await desk.process('7'))!.reason).to.equal('step "shipment" failed: the van broke down');
  });

  it('takes back nothing that was never done', async () => {
    await desk.tellAll(placed, StockReserved(order), PaymentDeclined({ ...order, reason: 'no money' }));

    expect(await desk.sent('7')).to.deep.equal(['ReserveStock', 'ChargeCard', 'ReleaseStock']);
    expect(await desk.look('7')).to.equal('compensated: stock compensated, payment failed');
    expect((await desk.process('7'))!.steps[1]!.detail).to.equal('no money');
  });

  it('waits for what is pending when it is taken back, and takes it back when it completes', async () => {
    await desk.tellAll(placed, StockReserved(order), Cancelled(order));
    const pending = await desk.look('7');

    await desk.tell(PaymentTaken(order));

    expect(pending).to.equal('compensating: stock compensated, payment pending');
    expect(await desk.sent('7')).to.deep.equal(['ReserveStock', 'ChargeCard', 'ReleaseStock', 'RefundCard']);
    expect(await desk.look('7')).to.equal('compensated: stock compensated, payment compensated');
  });

  it('waits for the confirmation before it takes back what was done earlier, where a step says so', async () => {
    const careful = deskOf({ confirmed: true });
    await careful.tellAll(placed, StockReserved(order), Cancelled(order), PaymentTaken(order));
    const waiting = await careful.look('7');

    await careful.tell(StockReleased(order));

    expect(waiting).to.equal('compensating: stock compensating, payment completed');
    expect(await careful.sent('7')).to.deep.equal(['ReserveStock', 'ChargeCard', 'ReleaseStock', 'RefundCard']);
    expect(await careful.look('7')).to.equal('compensated: stock compensated, payment compensated');
  });

  it('takes money back that was taken after all, when the step had failed', async () => {
    await desk.tellAll(placed, StockReserved(order), PaymentDeclined({ ...order, reason: 'no answer' }));

    await desk.tellAll(PaymentTaken(order), PaymentTaken(order));

    expect(await desk.sent('7')).to.deep.equal(['ReserveStock', 'ChargeCard', 'ReleaseStock', 'RefundCard']);
    expect(await desk.look('7')).to.equal('compensated: stock compensated, payment compensated');
  });

  it('takes back once what completes twice', async () => {
    await desk.tellAll(placed, StockReserved(order), PaymentTaken(order), ShippingFailed(order));

    await desk.tellAll(PaymentTaken(order), StockReserved(order), PaymentDeclined({ ...order, reason: 'late' }));

    expect(await desk.sent('7')).to.deep.equal(['ReserveStock', 'ChargeCard', 'ShipOrder', 'RefundCard', 'ReleaseStock']);
  });

  it('goes on once with a step that completes twice, and begins none twice', async () => {
    await desk.tellAll(placed, placed, StockReserved(order), StockReserved(order), placed);

    expect(await desk.sent('7')).to.deep.equal(['ReserveStock', 'ChargeCard']);
  });

  it('handles one and the same message once', async () => {
    const id = randomUUID();
    await desk.tellAll(placed, StockReserved(order));

    await desk.tell(PaymentTaken(order), id);
    const changed = await desk.process('7');
    await desk.tell(PaymentTaken(order), id);

    expect(await desk.process('7')).to.deep.equal(changed);
    expect(await desk.sent('7')).to.deep.equal(['ReserveStock', 'ChargeCard', 'ShipOrder']);
  });

  it('holds to what was said first of a step', async () => {
    await desk.tellAll(placed, StockReserved(order), PaymentTaken(order), PaymentDeclined({ ...order, reason: 'late' }));

    expect(await desk.look('7')).to.equal('running: stock completed, payment completed, shipment pending');
  });

  it('begins nothing once it is over', async () => {
    await desk.tellAll(placed, StockReserved(order), PaymentTaken(order), Shipped(order));

    await desk.tellAll(placed, Cancelled(order), ShippingFailed(order), StockReserved(order));

    expect(await desk.sent('7')).to.deep.equal(['ReserveStock', 'ChargeCard', 'ShipOrder']);
    expect(await desk.look('7')).to.equal('completed: stock completed, payment completed, shipment completed');
  });

  it('takes back what was done although nobody began it', async () => {
    await desk.tellAll(placed, PaymentTaken(order), Cancelled(order));

    expect(await desk.sent('7')).to.deep.equal(['ReserveStock', 'ShipOrder', 'RefundCard']);
    expect(await desk.look('7')).to.equal('compensating: stock pending, payment compensated, shipment pending');
  });

  it('passes by a message whose process never began, and tells it', async () => {
    const unknown: string[] = [];
    desk.managers.on('unknown', ({ key, type }) => unknown.push(`${type} for ${key}`));

    await desk.tell(PaymentTaken(order));

    expect(await desk.look('7')).to.equal('never begun');
    expect(unknown).to.deep.equal(['PaymentTaken for 7']);
  });

  it('leaves everything as it was when a handler of it fails, and handles the message when it comes again', async () => {
    let fails = true;
    const process = processManager('fulfilment', {
      state: Told,
      initial: () => ({ told: 0 }),
      steps: { stock: { compensation: () => ReleaseStock(order), onCompleted: ({ end }) => end() } },
      timeouts: { unpaid: async ({ fail }) => fail('stock', 'too late') },
    })
      .startsWith(Placed, { key: ({ data }) => data.orderId }, async (_, { begin }) => begin('stock', ReserveStock(order)))
      .on(StockReserved, { key: ({ data }) => data.orderId }, async (_, handled) => {
        handled.state.told++;
        handled.complete('stock');
        handled.timeoutAfter('unpaid', 0);
        handled.append('elsewhere', ShipOrder(order));
        if (fails) throw new Error('not today');
      });
    const failing = new Desk({ database: new InMemoryDatabase(), process });
    const id = randomUUID();
    await failing.tell(placed);
    const before = await failing.process('7');

    const refused: unknown = await failing.tell(StockReserved(order), id).catch((error: unknown) => error);
    const after = await failing.process('7');
    fails = false;
    await failing.tell(StockReserved(order), id);

    expect(refused).to.have.property('message').that.includes('not today');
    expect(after).to.deep.equal(before);
    expect(await failing.look('7')).to.equal('completed: stock completed');
    expect(JSON.parse((await failing.process('7'))!.state)).to.deep.equal({ told: 1 });
  });

  it('keeps processes of different keys apart', async () => {
    await desk.tellAll(placed, Placed({ orderId: '8', totalCents: 100 }), StockReserved({ orderId: '8' }));

    expect([await desk.look('7'), await desk.look('8')]).to.deep.equal([
      'running: stock pending',
      'running: stock completed, payment pending',
    ]);
    expect(await desk.sent('8')).to.deep.equal(['ReserveStock', 'ChargeCard']);
  });

  it('stays itself when a person looks at it while it changes', async () => {
    await desk.tell(placed);
    const found = await desk.process('7');

    await desk.tell(StockReserved(order));

    expect(found!.steps).to.have.length(1);
  });
});
