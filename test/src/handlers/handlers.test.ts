import { expect } from 'chai';
import { defineEvent, Dispatcher, HandlerSink, OutboxHandler, unchecked, UnitOfWork } from '@waybill/core';
import type { CallContext, DispatcherOptions, HandlerContext, Message, Receipt } from '@waybill/core';
import { InMemoryDatabase } from '@waybill/core/in-memory';
import type { InMemoryTx } from '@waybill/core/in-memory';
import { aDispatcher, next, QUICKLY, startUntil, stopDispatchers } from '../shop/dispatching.js';
import { failureOf } from '../shop/failure-of.js';
import { ChargeCard, Order, orderEvents, OrderNoted, OrderPlaced } from '../shop/order.js';
import { decoratorMode } from './decorator-mode.js';

const catalogue = [...orderEvents, ChargeCard];

describe(`handlers (${decoratorMode} decorators)`, () => {
  let database: InMemoryDatabase;
  let unitOfWork: UnitOfWork<InMemoryTx>;
  /** What handlers wrote into the database, as far as it was committed. */
  let written: string[];

  beforeEach(() => {
    database = new InMemoryDatabase({ lanes: 2 });
    unitOfWork = new UnitOfWork({ database, catalogue: orderEvents });
    written = [];
  });
  stopDispatchers();

  const write = (text: string, tx: InMemoryTx): void => tx.onCommit(() => written.push(text));
  const dispatcherTo = (
    handlers: readonly object[],
    {
      options = {},
      work = unitOfWork,
    }: { readonly options?: Partial<DispatcherOptions<'handlers'>>; readonly work?: UnitOfWork<InMemoryTx> } = {},
  ): Dispatcher<'handlers'> =>
    aDispatcher({
      ...{ database, catalogue: orderEvents },
      routes: {
        handlers: {
          sink: new HandlerSink<InMemoryTx>({ database, unitOfWork: work, handlers }),
          start: 'beginning',
          retry: { ...QUICKLY, attempts: 3 },
        },
      },
      ...options,
    });
  const place = async (id = '7', options: Parameters<typeof unitOfWork.run>[1] = {}): Promise<Receipt> =>
    unitOfWork.run(async ({ track }) => void track(Order.placed(id)), options);
  const note = async (...texts: readonly string[]): Promise<Receipt> =>
    unitOfWork.run(async ({ find, track }) => ((await find(Order, '7')) ?? track(new Order('7'))).note(...texts));
  const handle = async (handlers: readonly object[], receipt: Receipt): Promise<void> => {
    const dispatcher = dispatcherTo(handlers);
    await dispatcher.start();
    await dispatcher.delivered(receipt, 'handlers', { timeoutMs: 2_000 });
  };

  class Diary {
    @OutboxHandler(OrderPlaced, { name: 'diary' })
    async onPlaced({ data, stream }: Message<OrderPlaced>, { tx }: HandlerContext<InMemoryTx>): Promise<void> {
      write(`${stream} for ${data.customerId}`, tx);
    }
  }

  it('run in the transaction of their claim', async () => {
    await handle([new Diary()], await place());

    expect(written).to.deep.equal(['order-7 for c-1']);
    const { messages } = await place('8');
    expect(await database.inbox.claimed('diary', messages[0]!.id)).to.equal(false);
  });

  it('keep the `this` of their object', async () => {
    class Prefixed {
      constructor(private readonly prefix: string) {}

      @OutboxHandler(OrderPlaced, { name: 'prefixed' })
      async onPlaced({ stream }: Message<OrderPlaced>, { tx }: HandlerContext<InMemoryTx>): Promise<void> {
        write(`${this.prefix} ${stream}`, tx);
      }
    }

    await handle([new Prefixed('it is')], await place());

    expect(written).to.deep.equal(['it is order-7']);
  });

  it('take effect once, however often a message is delivered', async () => {
    let crashes = 3;
    const dispatcher = dispatcherTo([new Diary()], {
      options: {
        reached: (moment) => {
          if (moment === 'delivered' && crashes-- > 0) throw new Error('crash');
        },
      },
    });
    const receipt = await place();

    await dispatcher.start();
    await dispatcher.delivered(receipt, 'handlers');

    expect(crashes).to.be.below(0);
    expect(written).to.have.length(1);
  });

  it('take effect once per handler name, also when two routes deliver at once', async () => {
    const sinks = [1, 2].map(() => new HandlerSink({ database, unitOfWork, handlers: [new Diary()] }));
    const dispatcher = aDispatcher({ database, catalogue: orderEvents, routes: { one: { sink: sinks[0]! }, two: { sink: sinks[1]! } } });
    await dispatcher.start();

    const receipt = await place();
    await Promise.all([dispatcher.delivered(receipt, 'one'), dispatcher.delivered(receipt, 'two')]);

    expect(written).to.have.length(1);
  });

  it('are known by their name: another class or method under it is the same handler', async () => {
    await handle([new Diary()], await place());
    class RenamedDiary {
      @OutboxHandler(OrderPlaced, { name: 'diary' })
      async anotherMethod(_message: Message<OrderPlaced>, { tx }: HandlerContext<InMemoryTx>): Promise<void> {
        write('again', tx);
      }
    }

    const dispatcher = aDispatcher({
      ...{ database, catalogue: orderEvents },
      routes: { another: { sink: new HandlerSink({ database, unitOfWork, handlers: [new RenamedDiary()] }), start: 'beginning' } },
    });
    await startUntil(dispatcher, 'delivered');

    expect(written).to.deep.equal(['order-7 for c-1']);
  });

  describe('that fail', () => {
    class Failing {
      failures = 2;
      readonly attempts: number[] = [];

      @OutboxHandler(OrderNoted, { name: 'failing' })
      async onNoted({ data }: Message<OrderNoted>, { tx, attempt }: HandlerContext<InMemoryTx>): Promise<void> {
        this.attempts.push(attempt);
        write(data.text, tx);
        if (data.text === 'bad' && this.failures-- > 0) throw new Error('no such table');
      }
    }

    it('leave nothing behind, and their claim free: the next try works', async () => {
      const failing = new Failing();

      await handle([failing], await note('bad'));

      expect(written).to.deep.equal(['bad']);
      expect(failing.attempts).to.deep.equal([1, 2, 3]);
    });

    it('stop their lane at the message after so many tries, and nothing overtakes it', async () => {
      const failing = new Failing();
      failing.failures = 3;
      const receipt = await note('good', 'bad', 'behind');
      const dispatcher = dispatcherTo([failing]);

      const { message, error, attempts } = await startUntil(dispatcher, 'halted');

      expect(message).to.include({ id: receipt.messages[1]!.id, revision: 1n });
      expect(error).to.include({ code: 'MESSAGE_REJECTED' });
      expect(error.message).to.include('handler "failing" failed: no such table').and.include('order-7@1');
      expect(error.cause).to.have.property('message', 'no such table');
      expect(attempts).to.equal(3);
      expect(written).to.deep.equal(['good']);
      expect(await database.inbox.claimed('failing', receipt.messages[1]!.id)).to.equal(false);
    });

    it('go on where they were when the lane is resumed', async () => {
      const failing = new Failing();
      failing.failures = 3;
      const receipt = await note('good', 'bad', 'behind');
      const dispatcher = dispatcherTo([failing]);
      await startUntil(dispatcher, 'halted');

      await dispatcher.resume('handlers');
      await dispatcher.delivered(receipt, 'handlers');

      expect(written).to.deep.equal(['good', 'bad', 'behind']);
      expect(failing.attempts).to.deep.equal([1, 1, 2, 3, 1, 1]);
    });

    it('do not run again those that had finished with the message', async () => {
      class After {
        failures = 2;

        @OutboxHandler(OrderPlaced, { name: 'after' })
        async onPlaced({ stream }: Message<OrderPlaced>, { tx }: HandlerContext<InMemoryTx>): Promise<void> {
          if (this.failures-- > 0) throw new Error('not yet');
          write(`after ${stream}`, tx);
        }
      }

      await handle([new Diary(), new After()], await place());

      expect(written).to.deep.equal(['order-7 for c-1', 'after order-7']);
    });

    it('wait without using up tries where the database is away', async () => {
      let away = 5;
      const shaky = Object.assign(Object.create(database) as InMemoryDatabase, {
        transactions: {
          run: <Result>(work: (tx: InMemoryTx) => Promise<Result>) =>
            away-- > 0 ? failAs<Result>('DATABASE_UNAVAILABLE') : database.transactions.run(work),
          outcome: (id: string) => database.transactions.outcome(id),
        },
      });
      const receipt = await place();
      const dispatcher = dispatcherTo([new Diary()], { work: new UnitOfWork({ database: shaky, catalogue: orderEvents }) });
      const attempts: number[] = [];
      dispatcher.on('waiting', (event) => attempts.push(event.attempts));

      await dispatcher.start();
      await dispatcher.delivered(receipt, 'handlers');

      expect(attempts).to.deep.equal([0, 0, 0, 0, 0]);
      expect(written).to.have.length(1);
    });

    const failAs = <Result>(code: string): Promise<Result> => Promise.reject(Object.assign(new Error('away'), { code }));

    for (const code of ['TRANSACTION_CONFLICT', 'COMMIT_OUTCOME_UNKNOWN']) {
      it(`wait without using up tries after ${code}, which is no fault of the message`, async () => {
        class Unlucky {
          misfortunes = 5;

          @OutboxHandler(OrderPlaced, { name: 'unlucky' })
          async onPlaced({ stream }: Message<OrderPlaced>, { tx }: HandlerContext<InMemoryTx>): Promise<void> {
            if (this.misfortunes-- > 0) return failAs(code);
            write(stream, tx);
          }
        }
        const receipt = await place();
        const dispatcher = dispatcherTo([new Unlucky()], { work: new UnitOfWork({ database, catalogue: orderEvents, random: () => 0 }) });
        let halted = 0;
        dispatcher.on('halted', () => void halted++);

        await dispatcher.start();
        await dispatcher.delivered(receipt, 'handlers');

        expect({ halted, written }).to.deep.equal({ halted: 0, written: ['order-7'] });
      });
    }
  });

  describe('of one message', () => {
    class Several {
      @OutboxHandler(OrderPlaced, { name: 'second' })
      async second({ type }: Message<OrderPlaced>, { tx, handler }: HandlerContext<InMemoryTx>): Promise<void> {
        write(`${handler} ${type}`, tx);
      }

      @OutboxHandler([OrderPlaced, OrderNoted], { name: 'third' })
      async third(message: Message<OrderPlaced | OrderNoted>, { tx, handler }: HandlerContext<InMemoryTx>): Promise<void> {
        write(`${handler} ${message.type === 'OrderPlaced' ? message.data.customerId : message.data.text}`, tx);
      }
    }

    it('run in the order in which they are listed, one message after the other', async () => {
      const receipt = await unitOfWork.run(async ({ track }) => track(Order.placed('7')).note('fragile'));

      await handle([new Diary(), new Several()], receipt);

      expect(written).to.deep.equal(['order-7 for c-1', 'second OrderPlaced', 'third c-1', 'third fragile']);
    });

    it('are not asked about messages that none of them wants', async () => {
      const dispatcher = dispatcherTo([new Diary()]);
      await dispatcher.start();

      const receipt = await note('nobody is interested');

      expect(await dispatcher.delivered(receipt, 'handlers')).to.equal('not-selected');
      expect(written).to.deep.equal([]);
    });

    it('may be two on one method', async () => {
      class Twice {
        @OutboxHandler(OrderPlaced, { name: 'one-name' })
        @OutboxHandler(OrderNoted, { name: 'other-name' })
        async on({ type }: Message<OrderPlaced | OrderNoted>, { tx, handler }: HandlerContext<InMemoryTx>): Promise<void> {
          write(`${handler} ${type}`, tx);
        }
      }

      await handle([new Twice()], await unitOfWork.run(async ({ track }) => track(Order.placed('7')).note('x')));

      expect(written).to.have.members(['one-name OrderPlaced', 'other-name OrderNoted']);
    });
  });

  describe('that send messages on', () => {
    class Notifying {
      @OutboxHandler(OrderPlaced, { name: 'notifying' })
      async onPlaced({ stream }: Message<OrderPlaced>, { append, load }: HandlerContext<InMemoryTx>): Promise<void> {
        append(`customer-of-${stream}`, OrderNoted({ text: 'your order was placed' }));
        (await load(Order, stream.slice('order-'.length))).note('customer notified');
      }
    }
    const rowsOf = async (stream: string): Promise<readonly { id: string; type: string; metadata: object }[]> =>
      (await database.transactions.run((tx) => database.outbox.headAndTail(stream, 0n, tx))).tail;

    it('commit them with their claim, in the same conversation, caused by the message', async () => {
      const receipt = await place('7', { correlationId: 'conversation', metadata: { traceparent: '00-trace', tenant: 'acme' } });

      await handle([new Notifying()], receipt);

      const [sent] = await rowsOf('key-customer-of-order-7');
      expect(sent!.metadata).to.deep.equal({
        correlationId: 'conversation',
        causationId: receipt.messages[0]!.id,
        traceparent: '00-trace',
      });
      const [, noted] = await rowsOf('order-7');
      expect(noted).to.deep.include({ type: 'OrderNoted', metadata: sent!.metadata });
    });

    it('send nothing when they fail', async () => {
      class ThenFailing extends Notifying {
        @OutboxHandler(OrderPlaced, { name: 'then-failing' })
        override async onPlaced(message: Message<OrderPlaced>, context: HandlerContext<InMemoryTx>): Promise<void> {
          await super.onPlaced(message, context);
          throw new Error('no');
        }
      }
      await place();

      await startUntil(dispatcherTo([new ThenFailing()]), 'halted');

      expect(await rowsOf('key-customer-of-order-7')).to.deep.equal([]);
      expect(await rowsOf('order-7')).to.have.length(1);
    });

    it('send them once, however often the message comes', async () => {
      let crashes = 2;
      const receipt = await place();
      const dispatcher = dispatcherTo([new Notifying()], {
        options: {
          reached: (moment) => {
            if (moment === 'delivered' && crashes-- > 0) throw new Error('crash');
          },
        },
      });

      await dispatcher.start();
      await dispatcher.delivered(receipt, 'handlers');

      expect(await rowsOf('key-customer-of-order-7')).to.have.length(1);
      expect(await rowsOf('order-7')).to.have.length(2);
    });

    it('load and decide again when somebody else was faster', async () => {
      let beaten = false;
      class Racing {
        @OutboxHandler(OrderPlaced, { name: 'racing' })
        async onPlaced(_message: Message<OrderPlaced>, { load }: HandlerContext<InMemoryTx>): Promise<void> {
          const order = await load(Order, '7');
          if (!beaten) await unitOfWork.run(async (scope) => (await scope.load(Order, '7')).note('faster'));
          beaten = true;
          order.note('slower');
        }
      }

      await handle([new Racing()], await place());

      const { result } = await unitOfWork.run(async ({ load }) => load(Order, '7'));
      expect(result.notes).to.deep.equal(['faster', 'slower']);
    });
  });

  describe('with a time limit', () => {
    it('are told when it is over; the message is tried again', async () => {
      class Slow {
        readonly reasons: string[] = [];

        @OutboxHandler(OrderPlaced, { name: 'slow', timeoutMs: 5 })
        async onPlaced({ stream }: Message<OrderPlaced>, { signal, attempt, tx }: HandlerContext<InMemoryTx>): Promise<void> {
          if (attempt === 1) {
            await new Promise((resolve) => signal.addEventListener('abort', resolve));
            this.reasons.push((signal.reason as Error).name);
            signal.throwIfAborted();
          }
          write(stream, tx);
        }
      }
      const slow = new Slow();

      await handle([slow], await place());

      expect(slow.reasons).to.deep.equal(['TimeoutError']);
      expect(written).to.deep.equal(['order-7']);
    });

    it('are not committed any more when it is over, also if they did not listen', async () => {
      class Deaf {
        @OutboxHandler(OrderPlaced, { name: 'deaf', timeoutMs: 5 })
        async onPlaced({ stream }: Message<OrderPlaced>, { signal, attempt, tx }: HandlerContext<InMemoryTx>): Promise<void> {
          write(`${stream} at try ${attempt}`, tx);
          if (attempt === 1) await new Promise((resolve) => signal.addEventListener('abort', resolve));
        }
      }

      await handle([new Deaf()], await place());

      expect(written).to.deep.equal(['order-7 at try 2']);
    });
  });

  describe('in classes that inherit', () => {
    it('are inherited', async () => {
      class Child extends Diary {}

      await handle([new Child()], await place());

      expect(written).to.deep.equal(['order-7 for c-1']);
    });

    it('are replaced by a decorated override, under its own name', async () => {
      class Child extends Diary {
        @OutboxHandler(OrderPlaced, { name: 'child-diary' })
        override async onPlaced({ stream }: Message<OrderPlaced>, { tx, handler }: HandlerContext<InMemoryTx>): Promise<void> {
          write(`${handler} ${stream}`, tx);
        }
      }

      await handle([new Child()], await place());

      expect(written).to.deep.equal(['child-diary order-7']);
    });

    it('do not mix with those of sister classes', async () => {
      abstract class Base {
        abstract readonly label: string;

        protected log(text: string, tx: InMemoryTx): void {
          write(`${this.label} ${text}`, tx);
        }
      }
      class One extends Base {
        readonly label = 'one';

        @OutboxHandler(OrderPlaced, { name: 'one' })
        async on({ stream }: Message<OrderPlaced>, { tx }: HandlerContext<InMemoryTx>): Promise<void> {
          this.log(stream, tx);
        }
      }
      class Other extends Base {
        readonly label = 'other';

        @OutboxHandler(OrderNoted, { name: 'other' })
        async on({ stream }: Message<OrderNoted>, { tx }: HandlerContext<InMemoryTx>): Promise<void> {
          this.log(stream, tx);
        }
      }
      expect(new HandlerSink({ database, unitOfWork, handlers: [new One()] }).handles).to.deep.equal([OrderPlaced]);

      await handle([new One(), new Other()], await unitOfWork.run(async ({ track }) => track(Order.placed('7')).note('x')));

      expect(written).to.deep.equal(['one order-7', 'other order-7']);
    });

    it('must not be lost by an override without a decorator', async () => {
      class Child extends Diary {
        override async onPlaced(): Promise<void> {}
      }

      const error = await failureOf('INVALID_OPTIONS', () => new HandlerSink({ database, unitOfWork, handlers: [new Child()] }));

      expect(error.message)
        .to.include('Child.onPlaced() overrides handler "diary" without @OutboxHandler')
        .and.include('Decorate the override too');
    });

    it('must not be lost by an override further down either', async () => {
      class Child extends Diary {}
      class Grandchild extends Child {
        override async onPlaced(): Promise<void> {}
      }

      await failureOf('INVALID_OPTIONS', () => new HandlerSink({ database, unitOfWork, handlers: [new Grandchild()] }));
    });

    it('must not be lost by a field that hides the method', async () => {
      const hiding = Object.assign(new Diary(), { onPlaced: async () => {} });

      await failureOf('INVALID_OPTIONS', () => new HandlerSink({ database, unitOfWork, handlers: [hiding] }));
    });
  });

  describe('that cannot work', () => {
    it('are refused where another decorator has replaced the method, also beside others that work', async () => {
      // eslint-disable-next-line @typescript-eslint/no-explicit-any -- in both decorator modes
      const timed: any = (_method: object, _where: unknown, descriptor?: PropertyDescriptor) => {
        const replacement = async (): Promise<void> => {};
        if (!descriptor) return replacement;
        return { ...descriptor, value: replacement };
      };
      class Timed extends Diary {
        @timed
        @OutboxHandler(OrderNoted, { name: 'timed' })
        async onNoted(_message: Message<OrderNoted>): Promise<void> {}
      }

      const error = await failureOf('INVALID_OPTIONS', () => new HandlerSink({ database, unitOfWork, handlers: [new Timed()] }));

      expect(error.message).to.include('Another decorator replaces Timed.onNoted() and leaves handler "timed" without @OutboxHandler');
    });

    it('are refused on a static method, which no object has', async () => {
      const error = await failureOf('INVALID_OPTIONS', () => {
        class Static {
          @OutboxHandler(OrderNoted, { name: 'static' })
          static async onNoted(_message: Message<OrderNoted>): Promise<void> {}
        }
        return Static;
      });

      expect(error.message).to.include('onNoted is decorated and static, so it would never be called');
    });

    it('are refused when two have one name, with both places', async () => {
      class SameName {
        @OutboxHandler(OrderNoted, { name: 'diary' })
        async onNoted(_message: Message<OrderNoted>): Promise<void> {}
      }

      const error = await failureOf(
        'INVALID_OPTIONS',
        () => new HandlerSink({ database, unitOfWork, handlers: [new Diary(), new SameName()] }),
      );

      expect(error.message)
        .to.include('Two handlers are named "diary": Diary.onPlaced() and SameName.onNoted()')
        .and.include('one would hide the other');
    });

    it('are refused when one object is listed twice', async () => {
      const diary = new Diary();

      await failureOf('INVALID_OPTIONS', () => new HandlerSink({ database, unitOfWork, handlers: [diary, diary] }));
    });

    it('are refused where there is none, and where the class was passed for its instance', async () => {
      class Plain {
        async onPlaced(_message: Message<OrderPlaced>): Promise<void> {}
      }

      expect(
        (await failureOf('INVALID_OPTIONS', () => new HandlerSink({ database, unitOfWork, handlers: [new Plain()] }))).message,
      ).to.include('Plain has no method with @OutboxHandler');
      expect((await failureOf('INVALID_OPTIONS', () => new HandlerSink({ database, unitOfWork, handlers: [Diary] }))).message).to.include(
        'Diary is a class, and handlers are instances: pass new Diary(...).',
      );
    });

    it('are refused without a name, and without an event', async () => {
      for (const options of [undefined, {}, { name: '' }, { name: 7 }, { name: 'nul\0' }, { name: '\ud800' }, { name: 'x'.repeat(201) }]) {
        await failureOf('INVALID_OPTIONS', () => OutboxHandler(OrderPlaced, options as { name: string }));
      }
      expect((await failureOf('INVALID_OPTIONS', () => OutboxHandler([], { name: 'none' }))).message).to.include(
        'Handler "none" names no event',
      );
    });

    it('are refused when two are of one command, with both places', async () => {
      class Charging {
        @OutboxHandler(ChargeCard, { name: 'charging' })
        async onCharge(_message: Message<ChargeCard>): Promise<void> {}
      }
      class Noting {
        @OutboxHandler([OrderNoted, ChargeCard], { name: 'noting charges' })
        async onAny(_message: Message<OrderNoted | ChargeCard>): Promise<void> {}
      }

      const { message } = await failureOf('INVALID_OPTIONS', () =>
        dispatcherTo([new Charging(), new Noting()], { options: { catalogue } }),
      );

      expect(message).to.include('A command has exactly one handler, and ChargeCard has two: Charging.onCharge() and Noting.onAny()');
    });

    it('are refused when two routes have handlers of one command, and where `only` names a command that none is of', async () => {
      class Charging {
        @OutboxHandler(ChargeCard, { name: 'charging' })
        async onCharge(_message: Message<ChargeCard>): Promise<void> {}
      }
      class Noting {
        @OutboxHandler(OrderNoted, { name: 'noting' })
        async onNoted(_message: Message<OrderNoted>): Promise<void> {}
      }
      const sinkOf = (handler: object): HandlerSink<InMemoryTx> =>
        new HandlerSink<InMemoryTx>({ database, unitOfWork, handlers: [handler] });
      const two = { one: { sink: sinkOf(new Charging()) }, two: { sink: sinkOf(new Charging()) } };
      const none = { notes: { sink: sinkOf(new Noting()), only: [OrderNoted, ChargeCard] } };

      const divided = await failureOf('INVALID_OPTIONS', () => new Dispatcher({ database, catalogue, routes: two }));
      const unhandled = await failureOf('ROUTE_REFUSED', () => new Dispatcher({ database, catalogue, routes: none }));

      expect(divided.message).to.include('one route must name ChargeCard in `only`, or have its handler, and one and two do');
      expect(unhandled.message).to.include('it names the command ChargeCard in `only`, but its sink has no handler of it');
    });

    it('are refused by a route when the catalogue lacks their event', async () => {
      const error = await failureOf('ROUTE_REFUSED', () => dispatcherTo([new Diary()], { options: { catalogue: [OrderNoted] } }));

      expect(error.message).to.include('handles OrderPlaced, which is not in the catalogue');
    });
  });

  it('wait, and do not see a payload, where the message is newer than their process', async () => {
    const newer = defineEvent('OrderPlaced', unchecked<unknown>()).next(unchecked<unknown>(), (data) => data);
    const receipt = await new UnitOfWork({ database, catalogue: [newer] }).run(async ({ append }) =>
      append('c-1', newer({ fromTheFuture: true })),
    );
    const dispatcher = dispatcherTo([new Diary()]);
    let waits = 0;
    const fifth = next(dispatcher, 'waiting', () => ++waits === 5);

    await dispatcher.start();
    const { error, attempts } = await fifth;

    expect(error).to.include({ code: 'SINK_UNAVAILABLE' });
    expect(error.message)
      .to.include('OrderPlaced, schema version 2')
      .and.include(receipt.messages[0]!.id)
      .and.include('deploy the definition');
    expect(attempts).to.equal(0);
    expect(written).to.deep.equal([]);
  });

  it('get a command that only they name', async () => {
    class Charging {
      @OutboxHandler(ChargeCard, { name: 'charging' })
      async onCharge({ data, kind }: Message<ChargeCard>, { tx }: HandlerContext<InMemoryTx>): Promise<void> {
        write(`${kind} ${data.orderId}`, tx);
      }
    }
    const dispatcher = dispatcherTo([new Charging()], { options: { catalogue } });
    await dispatcher.start();

    const receipt = await new UnitOfWork({ database, catalogue }).run(async ({ append }) =>
      append('7', ChargeCard({ orderId: '7', totalCents: 1 })),
    );

    expect(await dispatcher.delivered(receipt, 'handlers')).to.equal('delivered');
    expect(written).to.deep.equal(['command 7']);
  });

  it("know their name, the try, the route's logger, and when to stop", async () => {
    let seen: CallContext | undefined;
    class Looking {
      @OutboxHandler(OrderPlaced, { name: 'looking' })
      async onPlaced(_message: Message<OrderPlaced>, { tx: _tx, ...context }: HandlerContext<InMemoryTx>): Promise<void> {
        seen = context;
      }
    }
    const logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
    const dispatcher = dispatcherTo([new Looking()], { options: { logger } });
    await dispatcher.start();

    await dispatcher.delivered(await place(), 'handlers');

    expect(seen).to.include({ handler: 'looking', attempt: 1, mayBeRepeat: false, logger });
    expect(seen!.signal.aborted).to.equal(false);
  });
});
