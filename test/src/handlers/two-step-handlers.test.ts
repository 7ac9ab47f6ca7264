import { expect } from 'chai';
import { DatabaseUnavailableError, HandlerSink, OutboxHandler, UnitOfWork } from '@waybill/core';
import type { CallContext, Commit, Dispatcher, DispatcherOptions, Message, Moment, Receipt } from '@waybill/core';
import { InMemoryDatabase } from '@waybill/core/in-memory';
import type { InMemoryTx } from '@waybill/core/in-memory';
import { aDispatcher, QUICKLY, startUntil, stopDispatchers } from '../shop/dispatching.js';
import { Order, OrderCancelled, orderEvents, OrderNoted, OrderPlaced } from '../shop/order.js';
import { decoratorMode } from './decorator-mode.js';

/** A payment provider that charges once per idempotency key. */
class Payments {
  readonly calls: string[] = [];
  readonly charged = new Map<string, number>();
  failures = 0;

  async charge(
    cents: number,
    { idempotencyKey, signal }: { readonly idempotencyKey: string; readonly signal: AbortSignal },
  ): Promise<string> {
    signal.throwIfAborted();
    this.calls.push(idempotencyKey);
    if (this.failures-- > 0) throw new Error('504 Gateway Timeout');
    this.charged.set(idempotencyKey, cents);
    return `charge-${this.charged.size}`;
  }
}

describe(`two-step handlers (${decoratorMode} decorators)`, () => {
  let database: InMemoryDatabase;
  let unitOfWork: UnitOfWork<InMemoryTx>;
  let payments: Payments;
  let written: string[];
  let openTransactions: number;

  beforeEach(() => {
    database = new InMemoryDatabase({ lanes: 2 });
    openTransactions = 0;
    const counting = Object.assign(Object.create(database) as InMemoryDatabase, {
      transactions: {
        outcome: (id: string) => database.transactions.outcome(id),
        run: <Result>(work: (tx: InMemoryTx) => Promise<Result>, signal?: AbortSignal) =>
          database.transactions.run(async (tx) => {
            openTransactions++;
            return work(tx).finally(() => openTransactions--);
          }, signal),
      },
    });
    unitOfWork = new UnitOfWork({ database: counting, catalogue: orderEvents });
    payments = new Payments();
    written = [];
  });
  stopDispatchers();

  class Billing {
    readonly attempts: number[] = [];
    readonly repeats: boolean[] = [];
    openWhileCalling = 0;

    @OutboxHandler(OrderPlaced, { name: 'charge-card', twoStep: true, retry: { attempts: 1 } })
    async charge(message: Message<OrderPlaced>, { signal, attempt, mayBeRepeat }: CallContext): Promise<Commit<InMemoryTx>> {
      this.attempts.push(attempt);
      this.repeats.push(mayBeRepeat);
      this.openWhileCalling += openTransactions;
      const id = await payments.charge(message.data.totalCents, { idempotencyKey: message.id, signal });
      return async ({ tx, append, load }) => {
        tx.onCommit(() => written.push(id));
        append(`charged-${message.stream}`, OrderNoted({ text: id }));
        (await load(Order, message.stream.slice('order-'.length))).note('charged');
      };
    }
  }

  const billing = (reached?: (moment: Moment) => void): { readonly handler: Billing; readonly sink: HandlerSink<InMemoryTx> } => {
    const handler = new Billing();
    return { handler, sink: new HandlerSink<InMemoryTx>({ database, unitOfWork, handlers: [handler], ...(reached && { reached }) }) };
  };
  const dispatcherTo = (sink: HandlerSink<InMemoryTx>, options: Partial<DispatcherOptions<'billing'>> = {}): Dispatcher<'billing'> =>
    aDispatcher({
      database,
      catalogue: orderEvents,
      routes: { billing: { sink, start: 'beginning', retry: { ...QUICKLY, attempts: 4 } } },
      ...options,
    });
  const place = async (): Promise<Receipt> =>
    unitOfWork.run(async ({ track }) => void track(Order.placed('7')), { correlationId: 'conversation' });
  const deliver = async (dispatcher: Dispatcher<'billing'>, receipt: Receipt): Promise<void> => {
    await dispatcher.start();
    await dispatcher.delivered(receipt, 'billing', { timeoutMs: 2_000 });
  };
  const rowsOf = async (stream: string): Promise<readonly { readonly type: string; readonly metadata: object }[]> =>
    (await database.transactions.run((tx) => database.outbox.headAndTail(stream, 0n, tx))).tail;
  const crash = (at: Moment, times = 1): ((moment: Moment) => void) => {
    let left = times;
    return (moment) => {
      if (moment === at && left-- > 0) throw new Error(`crash at ${at}`);
    };
  };

  it("call with the message's id and no transaction open, then commit what they return", async () => {
    const { handler, sink } = billing();
    const receipt = await place();

    await deliver(dispatcherTo(sink), receipt);

    expect(payments.calls).to.deep.equal([receipt.messages[0]!.id]);
    expect(handler.openWhileCalling).to.equal(0);
    expect(written).to.deep.equal(['charge-1']);
  });

  it('send on, with the claim, in the same conversation, caused by the message', async () => {
    const receipt = await place();

    await deliver(dispatcherTo(billing().sink), receipt);

    const metadata = { correlationId: 'conversation', causationId: receipt.messages[0]!.id };
    expect((await rowsOf('key-charged-order-7')).map((row) => row.metadata)).to.deep.equal([metadata]);
    expect((await rowsOf('order-7')).map(({ type }) => type)).to.deep.equal(['OrderPlaced', 'OrderNoted']);
    expect(await database.inbox.claimed('charge-card', receipt.messages[0]!.id)).to.equal(true);
  });

  for (const moment of ['called', 'claimed', 'handled'] as const) {
    it(`call again with the same id after a crash at "${moment}", and commit once`, async () => {
      const { handler, sink } = billing(crash(moment, 2));
      const receipt = await place();

      await deliver(dispatcherTo(sink), receipt);

      const { id } = receipt.messages[0]!;
      expect(payments.calls).to.deep.equal([id, id, id]);
      expect(payments.charged.size).to.equal(1);
      expect(handler.attempts).to.deep.equal([1, 2, 3]);
      expect(handler.repeats, 'told that it may have called before').to.deep.equal([false, true, true]);
      expect(written).to.deep.equal(['charge-1']);
      expect(await rowsOf('key-charged-order-7')).to.have.length(1);
    });
  }

  for (const onFailure of ['halt', 'park-stream'] as const) {
    it(`are told that they have called before when the database was away in between, on a route that says ${onFailure}`, async () => {
      let away = 3;
      const goes = (moment: Moment): void => {
        if (moment === 'called' && away-- > 0) throw new DatabaseUnavailableError('it restarts');
      };
      const { handler, sink } = billing(goes);
      const receipt = await place();

      await deliver(dispatcherTo(sink, { routes: { billing: { sink, start: 'beginning', onFailure, retry: QUICKLY } } }), receipt);

      expect(handler.repeats).to.deep.equal([false, true, true, true]);
    });

    it(`are told that they have called before when their commit fails, on a route that says ${onFailure}`, async () => {
      let failures = 3;
      const fails = (moment: Moment): void => {
        if (moment === 'claimed' && failures-- > 0) throw new Error('no such column');
      };
      const { handler, sink } = billing(fails);
      const retry = { ...QUICKLY, attempts: 2 };
      const dispatcher = dispatcherTo(sink, { routes: { billing: { sink, start: 'beginning', onFailure, retry } } });
      await place();

      const { error } = await startUntil(dispatcher, onFailure === 'halt' ? 'halted' : 'parked');

      expect(error.message).to.include('handler "charge-card" failed after its call: no such column');
      expect(handler.repeats).to.deep.equal([false, true]);
    });
  }

  it('are told that they may have called before when their time was over in the middle', async () => {
    const repeats: boolean[] = [];
    class Slow {
      @OutboxHandler(OrderPlaced, { name: 'slow', twoStep: true, timeoutMs: 5 })
      async on(_message: Message<OrderPlaced>, { signal, mayBeRepeat }: CallContext): Promise<Commit<InMemoryTx>> {
        repeats.push(mayBeRepeat);
        if (!mayBeRepeat) await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
        return async () => {};
      }
    }

    await deliver(dispatcherTo(new HandlerSink<InMemoryTx>({ database, unitOfWork, handlers: [new Slow()] })), await place());

    expect(repeats).to.deep.equal([false, true]);
  });

  it('are not called again for a message that they have committed', async () => {
    const receipt = await place();

    await deliver(dispatcherTo(billing().sink, { reached: crash('delivered', 2) }), receipt);

    expect(payments.calls).to.have.length(1);
    expect(written).to.have.length(1);
  });

  it('are called again when the call fails, and stop their lane when it goes on failing', async () => {
    payments.failures = 4;
    const receipt = await place();

    const { error, attempts } = await startUntil(dispatcherTo(billing().sink), 'halted');

    expect(error.message).to.include('handler "charge-card" failed: 504 Gateway Timeout');
    expect(attempts).to.equal(4);
    expect(payments.calls).to.deep.equal(Array.from({ length: 4 }, () => receipt.messages[0]!.id));
    expect(written).to.deep.equal([]);
    expect(await database.inbox.claimed('charge-card', receipt.messages[0]!.id)).to.equal(false);
  });

  it('run only their commit again when somebody else was faster', async () => {
    let beaten = false;
    class Racing {
      @OutboxHandler(OrderPlaced, { name: 'racing', twoStep: true })
      async on(message: Message<OrderPlaced>, { signal }: CallContext): Promise<Commit<InMemoryTx>> {
        await payments.charge(1, { idempotencyKey: message.id, signal });
        return async ({ load }) => {
          const order = await load(Order, '7');
          if (!beaten) await unitOfWork.run(async (scope) => (await scope.load(Order, '7')).note('faster'));
          beaten = true;
          order.note('slower');
        };
      }
    }

    await deliver(dispatcherTo(new HandlerSink<InMemoryTx>({ database, unitOfWork, handlers: [new Racing()] })), await place());

    expect(payments.calls).to.have.length(1);
    expect((await unitOfWork.run(async ({ load }) => load(Order, '7'))).result.notes).to.deep.equal(['faster', 'slower']);
  });

  it('commit once when two deliver at the same time, though both may call', async () => {
    const sinks = [billing().sink, billing().sink] as const;
    const dispatcher = aDispatcher({ database, catalogue: orderEvents, routes: { one: { sink: sinks[0] }, two: { sink: sinks[1] } } });
    await dispatcher.start();

    const receipt = await place();
    await Promise.all([dispatcher.delivered(receipt, 'one'), dispatcher.delivered(receipt, 'two')]);

    expect(payments.charged.size).to.equal(1);
    expect(written).to.have.length(1);
    expect(await rowsOf('key-charged-order-7')).to.have.length(1);
  });

  it('are told when the stop of their dispatcher takes too long', async () => {
    let aborted: unknown;
    class Stuck {
      @OutboxHandler(OrderPlaced, { name: 'stuck', twoStep: true })
      async on(_message: Message<OrderPlaced>, { signal }: CallContext): Promise<Commit<InMemoryTx>> {
        calling();
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        aborted = signal.aborted;
        throw signal.reason;
      }
    }
    let calling = (): void => {};
    const called = new Promise<void>((resolve) => (calling = resolve));
    const dispatcher = dispatcherTo(new HandlerSink<InMemoryTx>({ database, unitOfWork, handlers: [new Stuck()] }), { stopWithinMs: 5 });
    await dispatcher.start();
    await place();
    await called;

    await dispatcher.stop();

    expect(aborted).to.equal(true);
    const [lane] = (await dispatcher.lanes()).filter(({ pending }) => pending > 0);
    expect(lane!.failure?.attempts ?? 0, 'tries that the message lost').to.equal(0);
  });

  it('are refused when their first step returns nothing to commit', async () => {
    class Forgetful {
      @OutboxHandler(OrderPlaced, { name: 'forgetful', twoStep: true })
      async on(_message: Message<OrderPlaced>, _call: CallContext): Promise<Commit<InMemoryTx>> {
        return undefined as never;
      }
    }
    await place();

    const { error } = await startUntil(
      dispatcherTo(new HandlerSink<InMemoryTx>({ database, unitOfWork, handlers: [new Forgetful()] })),
      'halted',
    );

    expect(error.message).to.include('Handler "forgetful" says twoStep: true, but its first step did not return the function that commits');
    expect(error.cause).to.have.property('code', 'INVALID_OPTIONS');
  });

  it('get one message at a time, so that a kill leaves one call in doubt; handlers of one step get batches', () => {
    class Noting {
      @OutboxHandler(OrderPlaced, { name: 'noting' })
      async on({ type }: Message<OrderPlaced>): Promise<void> {
        written.push(type);
      }
    }
    const mostAtOnce = (handlers: readonly object[]): number | undefined =>
      new HandlerSink<InMemoryTx>({ database, unitOfWork, handlers }).mostAtOnce;

    expect([mostAtOnce([new Billing()]), mostAtOnce([new Noting()])]).to.deep.equal([1, undefined]);
  });

  it('stand beside handlers of one step, in order', async () => {
    class Beside {
      @OutboxHandler([OrderPlaced, OrderCancelled], { name: 'beside' })
      async on({ type }: Message<OrderPlaced | OrderCancelled>): Promise<void> {
        written.push(type);
      }
    }

    await deliver(
      dispatcherTo(new HandlerSink<InMemoryTx>({ database, unitOfWork, handlers: [new Billing(), new Beside()] })),
      await place(),
    );

    expect(written).to.deep.equal(['charge-1', 'OrderPlaced']);
  });
});
