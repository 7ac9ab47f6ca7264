import { expect } from 'chai';
import { defineCommand, defineEvent, defineState, Dispatcher, HandlerSink, OutboxHandler } from '@waybill/core';
import { processManager, ProcessManagers, UnitOfWork } from '@waybill/core';
import type { EventOf, HandlerContext, Message, ProcessManager, StepAnswer, StepQuestion } from '@waybill/core';
import type { PostgresTx } from '@waybill/postgres';
import { eventually } from '@waybill/testing';
import { z } from 'zod';
import { openShop } from '../postgres/postgres-shop.js';
import type { PostgresShop } from '../postgres/postgres-shop.js';
import { ChargeCard, Order, OrderCancelled, orderEvents, OrderPlaced } from '../shop/order.js';

// #region messages
const ofOrder = z.object({ orderId: z.string() });
const PaymentTaken = defineEvent('PaymentTaken', ofOrder);
const PaymentDeclined = defineEvent('PaymentDeclined', ofOrder.extend({ reason: z.string() }));
const OrderShipped = defineEvent('OrderShipped', ofOrder);
const RefundCard = defineCommand('RefundCard', ofOrder.extend({ totalCents: z.number().int() }));
const ShipOrder = defineCommand('ShipOrder', ofOrder);
// #endregion
const COMMANDS = [ChargeCard, RefundCard, ShipOrder] as const;
const catalogue = [...orderEvents, PaymentTaken, PaymentDeclined, OrderShipped, ...COMMANDS];

interface Bank {
  readonly says: 'taken' | 'declined' | 'nothing';
  readonly wasCharged: (question: StepQuestion<{ totalCents: number }>) => Promise<StepAnswer>;
  readonly pendingTimeoutMs: number;
  readonly payWithinMs: number;
}

function fulfilmentBy({ wasCharged, pendingTimeoutMs, payWithinMs }: Bank): ProcessManager<PostgresTx> {
  // #region process
  const FulfilmentState = defineState(z.object({ totalCents: z.number().int() }));
  const byOrder = { key: ({ data }: { readonly data: { readonly orderId: string } }) => data.orderId };
  const byStream = { key: ({ stream }: { readonly stream: string }) => stream };

  const fulfilment = processManager('fulfilment', {
    state: FulfilmentState,
    initial: () => ({ totalCents: 0 }),
    steps: {
      payment: {
        compensation: ({ key, state }) => RefundCard({ orderId: key, ...state }),
        pendingTimeoutMs,
        status: wasCharged,
        onCompleted: ({ key, begin }) => begin('shipment', ShipOrder({ orderId: key })),
      },
      shipment: { irreversible: true, onCompleted: ({ end }) => end() },
    },
    timeouts: {
      unpaid: async ({ steps, compensate }) => steps.payment !== 'completed' && compensate('nobody paid in time'),
    },
    statusAttempts: 3,
  })
    .withTx<PostgresTx>()
    .startsWith(OrderPlaced, byStream, async ({ data: { totalCents } }, process) => {
      process.state = { totalCents };
      process.begin('payment', ChargeCard({ orderId: process.key, totalCents }));
      process.timeoutAfter('unpaid', payWithinMs);
    })
    .on(PaymentTaken, byOrder, async (_, { complete }) => complete('payment'))
    .on(PaymentDeclined, byOrder, async ({ data }, { fail }) => fail('payment', data.reason))
    .on(OrderShipped, byOrder, async (_, { complete }) => complete('shipment'))
    .on(OrderCancelled, byStream, async ({ data }, { compensate }) => compensate(data.reason));
  // #endregion
  return fulfilment;
}

/** Everybody whom the process sends commands. */
class Services {
  readonly done: string[] = [];

  constructor(private readonly bank: Bank) {}

  @OutboxHandler(COMMANDS, { name: 'services' })
  async carryOut({ type, data: { orderId } }: Message<EventOf<(typeof COMMANDS)[number]>>, scope: HandlerContext<PostgresTx>) {
    this.done.push(type);
    if (type === 'ShipOrder') scope.append(`shipping-${orderId}`, OrderShipped({ orderId }));
    if (type !== 'ChargeCard') return;
    if (this.bank.says === 'taken') scope.append(`bank-${orderId}`, PaymentTaken({ orderId }));
    if (this.bank.says === 'declined') scope.append(`bank-${orderId}`, PaymentDeclined({ orderId, reason: 'no money' }));
  }
}

describe('the page about processes', function () {
  this.timeout(30_000);
  let shop: PostgresShop;
  let ends: (() => Promise<void>)[];
  beforeEach(async () => {
    shop = await openShop();
    ends = [];
  });
  afterEach(async () => {
    for (const end of ends) await end();
    await shop.close();
  });

  async function run(told: Partial<Bank> = {}) {
    const bank: Bank = { says: 'taken', wasCharged: async () => 'pending', pendingTimeoutMs: 60_000, payWithinMs: 3_600_000, ...told };
    const fulfilment = fulfilmentBy(bank);
    const { database } = shop;
    const services = new Services(bank);
    const unitOfWork = new UnitOfWork({ database, catalogue });
    // #region run
    const processes = new ProcessManagers({ database, unitOfWork, processes: [fulfilment], pollMs: 100 });
    const sink = new HandlerSink({ database, unitOfWork, handlers: [processes, services] });
    const dispatcher = new Dispatcher({ database, catalogue, routes: { handlers: { sink } } });
    await dispatcher.start();
    await processes.start(); // time-outs, and questions about steps
    // #endregion
    ends.push(
      () => processes.stop(),
      () => dispatcher.stop(),
    );
    await unitOfWork.run(async ({ track }) => void track(Order.placed('7')));
    // #region find
    const look = async (): Promise<string> => {
      const [found] = await processes.find({ process: 'fulfilment', key: 'order-7' });
      return found ? `${found.status}: ${found.steps.map(({ step, state }) => `${step} ${state}`).join(', ')}` : 'not begun';
    };
    // #endregion
    const becomes = (state: string) => eventually(state, async () => (await look()) === state || undefined);
    return { processes, services, unitOfWork, becomes };
  }

  it('goes from step to step to the end', async () => {
    const { services, becomes } = await run();

    await becomes('completed: payment completed, shipment completed');

    expect(services.done).to.deep.equal(['ChargeCard', 'ShipOrder']);
  });

  it('takes back nothing where nothing was done', async () => {
    const { services, becomes } = await run({ says: 'declined' });

    await becomes('compensated: payment failed');

    expect(services.done).to.deep.equal(['ChargeCard']);
  });

  it('gives up when time is over, and takes back what is done after all', async () => {
    const { services, unitOfWork, becomes } = await run({ says: 'nothing', payWithinMs: 1 });
    await becomes('compensating: payment pending');

    await unitOfWork.run(async ({ append }) => append('bank-order-7', PaymentTaken({ orderId: 'order-7' })));

    await becomes('compensated: payment compensated');
    await eventually('the refund', async () => services.done.length === 2 || undefined);
    expect(services.done).to.deep.equal(['ChargeCard', 'RefundCard']);
  });

  it('asks what came of a step, and gives to a person what nobody can tell', async () => {
    let asked = 0;
    const wasCharged = async (): Promise<StepAnswer> => {
      asked++;
      throw new Error('503');
    };
    const { processes, becomes } = await run({ says: 'nothing', wasCharged, pendingTimeoutMs: 10 });
    await becomes('running: payment stuck');

    // #region stuck
    for (const { process, key, steps } of await processes.stuck()) {
      const { step, detail } = steps.find(({ state }) => state === 'stuck')!;
      console.log(`${process} ${key}, ${step}: ${detail}`);
      await processes.settle({ process, key, step }, 'failed', { by: 'ada', reason: 'the bank says on the phone: never charged' });
    }
    // #endregion

    await becomes('compensated: payment failed');
    expect(asked).to.equal(3);
  });
});
