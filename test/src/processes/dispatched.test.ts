import { expect } from 'chai';
import { HandlerSink, OutboxHandler, ProcessManagers, UnitOfWork } from '@waybill/core';
import type { DomainEvent, EventOf, HandlerContext, Message } from '@waybill/core';
import { InMemoryDatabase } from '@waybill/core/in-memory';
import type { InMemoryTx } from '@waybill/core/in-memory';
import { eventually } from '@waybill/testing';
import { aDispatcher, stopDispatchers } from '../shop/dispatching.js';
import * as shop from './fulfilment.js';

const COMMANDS = [shop.ReserveStock, shop.ReleaseStock, shop.ChargeCard, shop.RefundCard, shop.ShipOrder] as const;

/** The other end of every command: does it, and tells; nothing is ever shipped. */
class Services {
  readonly conversations = new Set<string>();

  @OutboxHandler(COMMANDS, { name: 'services' })
  async carryOut(
    { type, data: { orderId }, metadata }: Message<EventOf<(typeof COMMANDS)[number]>>,
    { append }: HandlerContext<InMemoryTx>,
  ): Promise<void> {
    this.conversations.add(metadata.correlationId);
    const told: Partial<Record<string, DomainEvent>> = {
      ReserveStock: shop.StockReserved({ orderId }),
      ChargeCard: shop.PaymentTaken({ orderId }),
      ShipOrder: shop.ShippingFailed({ orderId }),
    };
    const event = told[type];
    if (event) append(`services-${orderId}`, event);
  }
}

describe('a process behind a dispatcher', () => {
  stopDispatchers();

  it('is told by messages, sends commands, and stays in its conversation', async () => {
    const database = new InMemoryDatabase({ lanes: 2 });
    const catalogue = [...shop.fulfilmentEvents, ...shop.fulfilmentCommands];
    const unitOfWork = new UnitOfWork({ database, catalogue });
    const managers = new ProcessManagers({ database, unitOfWork, processes: [shop.fulfilmentOf()] });
    const services = new Services();
    const sink = new HandlerSink({ database, unitOfWork, handlers: [managers, services] });
    const dispatcher = aDispatcher({ database, catalogue, routes: { handlers: { sink, only: sink.handles, start: 'beginning' } } });
    await dispatcher.start();

    await unitOfWork.run(async ({ append }) => append('order-7', shop.Placed({ orderId: '7', totalCents: 4_200 })), {
      correlationId: 'c-1',
    });
    const over = await eventually('the end', async () => (await managers.find({ status: 'compensated' }))[0]);

    expect(over.steps.map(({ step, state }) => `${step} ${state}`)).to.deep.equal([
      'stock compensated',
      'payment compensated',
      'shipment failed',
    ]);
    expect(over.correlationId).to.equal('c-1');
    expect([...services.conversations]).to.deep.equal(['c-1']);
  });
});
