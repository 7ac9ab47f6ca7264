import { expect } from 'chai';
import {
  DatabaseUnavailableError,
  HandlerSink,
  OutboxHandler,
  OutcomeUnknownError,
  TargetUnavailableError,
  UnitOfWork,
} from '@waybill/core';
import type { CallContext, Commit, Delivery, DeliveryContext, Message } from '@waybill/core';
import { InMemoryDatabase } from '@waybill/core/in-memory';
import type { InMemoryTx } from '@waybill/core/in-memory';
import { aDeliveryContext } from '@waybill/testing';
import { orderEvents, OrderPlaced } from '../shop/order.js';
import { decoratorMode } from './decorator-mode.js';
import { orderMessage } from './order-message.js';

describe(`a handler whose call fails (${decoratorMode} decorators)`, () => {
  const database = new InMemoryDatabase();
  const unitOfWork = new UnitOfWork({ database, catalogue: orderEvents });

  class Billing {
    readonly calls: CallContext[] = [];

    constructor(private readonly failures: unknown[]) {}

    @OutboxHandler(OrderPlaced, { name: 'charge-card', twoStep: true })
    async charge(_message: Message<OrderPlaced>, context: CallContext): Promise<Commit<InMemoryTx>> {
      this.calls.push(context);
      if (this.failures.length > 0) throw this.failures.shift();
      return async () => {};
    }
  }
  const placed = orderMessage(OrderPlaced({ customerId: 'c-1', totalCents: 1 }));
  const deliver = (billing: Billing, context: Partial<DeliveryContext> = {}): Promise<Delivery> =>
    new HandlerSink<InMemoryTx>({ database, unitOfWork, handlers: [billing] }).deliver([placed], aDeliveryContext(context));

  it("is the sink's trouble when its target is away, for as long as that asks for", async () => {
    const away = new TargetUnavailableError('bank', 'it said 429', { retryAfterMs: 7_000 });

    const { accepted, failure } = await deliver(new Billing([away]));

    expect(accepted).to.equal(0);
    expect(failure).to.include({ code: 'SINK_UNAVAILABLE', retryAfterMs: 7_000, cause: away });
    expect(failure!.message).to.include('handler "charge-card": bank is not available: it said 429');
  });

  for (const final of [false, true]) {
    it(`is told as it is when nobody knows the outcome ${final ? 'and only a person can find out' : 'yet'}`, async () => {
      const unknown = new OutcomeUnknownError('bank', placed.id, 'no answer', { final });

      const { accepted, failure } = await deliver(new Billing([unknown]));

      expect(accepted).to.equal(0);
      expect(failure).to.equal(unknown).and.to.have.property('final', final);
    });
  }

  it('is told as it is also when the lane is stopping, for the next holder must know', async () => {
    const stopping = new AbortController();
    const unknown = new OutcomeUnknownError('bank', placed.id, 'it was aborted');
    class Aborting extends Billing {
      @OutboxHandler(OrderPlaced, { name: 'charge-card', twoStep: true })
      override async charge(): Promise<Commit<InMemoryTx>> {
        stopping.abort();
        throw unknown;
      }
    }

    expect((await deliver(new Aborting([]), { signal: stopping.signal })).failure).to.equal(unknown);
  });

  it("is the message's trouble when it fails otherwise, and the sink's when the database is away", async () => {
    const billing = new Billing([new Error('card declined'), new DatabaseUnavailableError('it is away')]);

    const failures = [(await deliver(billing)).failure, (await deliver(billing)).failure];

    expect(failures.map((failure) => failure?.code)).to.deep.equal(['MESSAGE_REJECTED', 'SINK_UNAVAILABLE']);
    expect(failures[0]!.message).to.include('handler "charge-card" failed: card declined');
  });

  it('is told that an earlier call may have reached the target, and only then', async () => {
    const billing = new Billing([new Error('1'), new Error('2')]);

    await deliver(billing);
    await deliver(billing, { mayBeRepeat: true, attempt: 2 });

    expect(billing.calls.map(({ attempt, mayBeRepeat }) => ({ attempt, mayBeRepeat }))).to.deep.equal([
      { attempt: 1, mayBeRepeat: false },
      { attempt: 2, mayBeRepeat: true },
    ]);
  });
});
