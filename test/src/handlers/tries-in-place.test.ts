import { expect } from 'chai';
import {
  DatabaseUnavailableError,
  HandlerSink,
  MessageRejectedError,
  OutboxHandler,
  TargetUnavailableError,
  UnitOfWork,
} from '@waybill/core';
import type { CallContext, Commit, Delivery, DeliveryContext, HandlerContext, HandlerOptions, Message } from '@waybill/core';
import { InMemoryDatabase } from '@waybill/core/in-memory';
import type { InMemoryTx } from '@waybill/core/in-memory';
import { aDeliveryContext } from '@waybill/testing';
import { failureOf } from '../shop/failure-of.js';
import { ManualClock } from '../shop/manual-clock.js';
import { orderEvents, OrderNoted, OrderPlaced } from '../shop/order.js';
import { decoratorMode } from './decorator-mode.js';
import { orderMessage } from './order-message.js';

describe(`a handler's tries in place (${decoratorMode} decorators)`, () => {
  let database: InMemoryDatabase;
  let unitOfWork: UnitOfWork<InMemoryTx>;
  let clock: ManualClock;
  let failures: unknown[];
  let attempts: number[];
  let written: string[];

  beforeEach(() => {
    database = new InMemoryDatabase();
    unitOfWork = new UnitOfWork({ database, catalogue: orderEvents });
    clock = new ManualClock();
    failures = [];
    attempts = [];
    written = [];
  });

  const noted = orderMessage(OrderNoted({ text: 'hello' }));
  const retry = { attempts: 3, firstMs: 100, maxMs: 150 };

  class Noting {
    @OutboxHandler(OrderNoted, { name: 'noting', retry })
    async on(_message: Message<OrderNoted>, { attempt, tx, append }: HandlerContext<InMemoryTx>): Promise<void> {
      attempts.push(attempt);
      tx.onCommit(() => written.push(`try ${attempt}`));
      append('sent', OrderNoted({ text: `try ${attempt}` }));
      if (failures.length > 0) throw failures.shift();
    }
  }
  class Patient {
    @OutboxHandler(OrderNoted, { name: 'noting', retry, onFailure: 'discard' })
    async on(_message: Message<OrderNoted>, { attempt }: CallContext): Promise<void> {
      attempts.push(attempt);
      if (failures.length > 0) throw failures.shift();
    }
  }
  class Calling {
    calls = 0;
    @OutboxHandler(OrderPlaced, { name: 'calling', twoStep: true, retry })
    async on(_message: Message<OrderPlaced>, { attempt }: CallContext): Promise<Commit<InMemoryTx>> {
      attempts.push(attempt);
      if (this.calls++ === 0 && failures.length > 0) throw failures.shift();
      return async (context) => {
        if (failures.length > 0) throw failures.shift();
        context.tx.onCommit(() => written.push('committed'));
      };
    }
  }
  const placed = orderMessage(OrderPlaced({ customerId: 'c-1', totalCents: 1 }));
  const aSink = (...handlers: readonly object[]): HandlerSink<InMemoryTx> =>
    new HandlerSink<InMemoryTx>({ database, unitOfWork, handlers, clock, random: () => 0.5 });
  const deliver = async (handler: object, message = noted, context: Partial<DeliveryContext> = {}): Promise<Delivery> => {
    const delivery = aSink(handler).deliver([message], aDeliveryContext(context));
    await clock.pass(10_000);
    return delivery;
  };
  const openCases = (): ReturnType<InMemoryDatabase['cases']['find']> => database.cases.find({ state: 'open', most: 10 });

  it('are made before the lane hears of a failure, each rolled back, and counted on from the tries of the lane', async () => {
    failures = [new Error('once'), new Error('twice')];

    expect(await deliver(new Noting(), noted, { attempt: 2 })).to.deep.equal({ accepted: 1 });

    expect(attempts).to.deep.equal([2, 3, 4]);
    expect(written).to.deep.equal(['try 4']);
  });

  it('wait between, twice as long each time up to the longest, half of it by chance', async () => {
    failures = [new Error('once'), new Error('twice')];
    const delivery = aSink(new Noting()).deliver([noted], aDeliveryContext());

    await clock.pass(74);
    expect(attempts).to.have.length(1);
    await clock.pass(1);
    expect(attempts).to.have.length(2);
    await clock.pass(112);
    expect(attempts).to.have.length(2);
    await clock.pass(1);

    expect((await delivery).accepted).to.equal(1);
  });

  it('end: then it is the lane that decides', async () => {
    failures = [new Error('1'), new Error('2'), new Error('3'), new Error('4')];

    const { accepted, failure } = await deliver(new Noting());

    expect(accepted).to.equal(0);
    expect(failure).to.have.property('code', 'MESSAGE_REJECTED');
    expect(failure!.message).to.include('handler "noting" failed: 3');
    expect(await database.inbox.claimed('noting', noted.id)).to.equal(false);
  });

  for (const trouble of [new DatabaseUnavailableError('it restarts'), new TargetUnavailableError('bank', '429')]) {
    it(`are not made after ${trouble.code}, which is not the handler's fault`, async () => {
      failures = [trouble];

      expect((await deliver(new Noting())).failure).to.have.property('code', 'SINK_UNAVAILABLE');
      expect(attempts).to.deep.equal([1]);
    });
  }

  it('are not made, in place or by the lane, once the handler says that they cannot help', async () => {
    failures = [new MessageRejectedError(noted.id, noted.stream, noted.revision, 'no such order', { final: true })];

    expect((await deliver(new Noting())).failure).to.include({ code: 'MESSAGE_REJECTED', final: true });
    expect(attempts).to.deep.equal([1]);
  });

  it('are not made when the lane stops meanwhile', async () => {
    failures = [new Error('once')];
    const stopping = new AbortController();
    const delivery = aSink(new Noting()).deliver([noted], aDeliveryContext({ signal: stopping.signal }));
    await clock.pass(10);

    stopping.abort();

    expect((await delivery).failure).to.have.property('code', 'SINK_UNAVAILABLE');
    expect(attempts).to.deep.equal([1]);
  });

  it('are made of the commit of a two-step handler without calling again', async () => {
    failures = [new Error('the call'), new Error('the commit'), new Error('the commit')];

    expect(await deliver(new Calling(), placed)).to.deep.equal({ accepted: 1 });

    expect(attempts, 'of the call').to.deep.equal([1, 2]);
    expect(written).to.deep.equal(['committed']);
    expect(await openCases()).to.deep.equal([]);
  });

  describe('of a handler that discards', () => {
    it('end in a case for a person, in the transaction of the claim, and the message goes on', async () => {
      failures = [new Error('1'), new Error('2'), new Error('no such column')];

      expect(await deliver(new Patient())).to.deep.equal({ accepted: 1 });

      expect(attempts).to.deep.equal([1, 2, 3]);
      expect(await database.inbox.claimed('noting', noted.id)).to.equal(true);
      const [opened, ...others] = await openCases();
      expect(others).to.deep.equal([]);
      expect(opened).to.include({ kind: 'message-discarded', of: 'noting', correlationId: noted.metadata.correlationId });
      expect(opened!.message).to.deep.equal({ id: noted.id, type: 'OrderNoted', stream: noted.stream, revision: noted.revision });
      expect(opened!.detail).to.include('no such column');
    });

    it('are not made again when the message comes again', async () => {
      failures = [new Error('1'), new Error('2'), new Error('3')];
      await deliver(new Patient());

      await deliver(new Patient());

      expect(attempts).to.have.length(3);
      expect(await openCases()).to.have.length(1);
    });

    it('discard nothing because of trouble that is not its own', async () => {
      failures = [new DatabaseUnavailableError('it restarts')];

      expect((await deliver(new Patient())).accepted).to.equal(0);
      expect(await openCases()).to.deep.equal([]);
    });
  });

  describe('that cannot be', () => {
    const odd: readonly (readonly [Omit<HandlerOptions, 'name'>, string])[] = [
      [{ retry: { attempts: 0 } }, 'retry.attempts is a count of tries'],
      [{ retry: { attempts: 1.5 } }, 'retry.attempts is a count of tries'],
      [{ retry: { firstMs: 0 } }, 'retry.firstMs must be above 0'],
      [{ retry: { firstMs: 10, maxMs: 5 } }, 'retry.maxMs a number not below it'],
      [{ timeoutMs: 0 }, 'timeoutMs must be above 0'],
      [{ timeoutMs: Number.NaN }, 'timeoutMs must be above 0'],
      [{ onFailure: 'forget' as 'discard' }, 'choose "stop" or "discard"'],
    ];
    for (const [options, complaint] of odd) {
      it(`are refused where the handler is declared: ${JSON.stringify(options)}`, async () => {
        const { message } = await failureOf('INVALID_OPTIONS', () => OutboxHandler(OrderNoted, { name: 'odd', ...options }));

        expect(message).to.include('Handler "odd"').and.to.include(complaint);
      });
    }
  });
});
