import { expect } from 'chai';
import { HandlerSink, OutboxHandler, UnitOfWork } from '@waybill/core';
import type { CallContext, Commit, Dispatcher, HandlerContext, Message, Moment, Receipt } from '@waybill/core';
import { aDispatcher, QUICKLY, startUntil, stopDispatchers } from '../shop/dispatching.js';
import { onEveryDatabase } from './databases.js';
import type { OpenDatabase, OpenedDatabase } from './databases.js';
import { Order, orderEvents, OrderNoted, OrderPlaced } from '../shop/order.js';

onEveryDatabase('handlers', <Tx>(open: OpenDatabase<Tx>) => {
  let shop: OpenedDatabase<Tx>;
  let unitOfWork: UnitOfWork<Tx>;

  before(async () => {
    shop = await open();
    unitOfWork = new UnitOfWork({ database: shop.database, catalogue: orderEvents });
  });
  stopDispatchers();
  after(() => shop.close());

  /** One route and one handler name a test: they share the database. */
  let route = '';
  beforeEach(function () {
    route = this.currentTest!.title;
  });
  const place = (): Promise<Receipt> => unitOfWork.run(async ({ track }) => void track(Order.placed(route)));
  const only = async (text: string): Promise<readonly string[]> => (await shop.written()).filter((entry) => entry.startsWith(`${text} `));
  const sinkOf = (handler: object, reached?: (moment: Moment) => void): HandlerSink<Tx> =>
    new HandlerSink<Tx>({ database: shop.database, unitOfWork, handlers: [handler], ...(reached && { reached }) });
  const dispatcherTo = (sink: HandlerSink<Tx>, reached?: (moment: Moment) => void): Dispatcher =>
    aDispatcher({
      ...{ database: shop.database, catalogue: orderEvents, ...(reached && { reached }) },
      routes: { [route]: { sink, streams: [`order-${route}`], start: 'beginning', retry: { ...QUICKLY, attempts: 3 } } },
    });
  const crash = (at: Moment, times: number): ((moment: Moment) => void) => {
    let left = times;
    return (moment) => {
      if (moment === at && left-- > 0) throw new Error(`crash at ${at}`);
    };
  };
  const deliver = async (dispatcher: Dispatcher, receipt: Receipt): Promise<void> => {
    await dispatcher.start();
    await dispatcher.delivered(receipt, route, { timeoutMs: 10_000 });
  };

  it('write once, however often a message is delivered', async () => {
    class Diary {
      @OutboxHandler(OrderPlaced, { name: route })
      async onPlaced({ data }: Message<OrderPlaced>, { tx }: HandlerContext<Tx>): Promise<void> {
        await shop.write(`diary ${data.customerId}`, tx);
      }
    }

    await deliver(dispatcherTo(sinkOf(new Diary()), crash('delivered', 2)), await place());

    expect(await only('diary')).to.deep.equal(['diary c-1']);
  });

  it('write once also when two processes handle the message at the same time', async () => {
    class Feed {
      @OutboxHandler(OrderPlaced, { name: route })
      async onPlaced({ data }: Message<OrderPlaced>, { tx }: HandlerContext<Tx>): Promise<void> {
        await shop.write(`feed ${data.customerId}`, tx);
      }
    }
    const routes = { [`${route} 1`]: { sink: sinkOf(new Feed()) }, [`${route} 2`]: { sink: sinkOf(new Feed()) } };
    const receipt = await place();
    const starts = Object.entries(routes).map(
      ([name, { sink }]) => [name, { sink, streams: [`order-${route}`], start: 'beginning' }] as const,
    );
    const dispatcher = aDispatcher({ database: shop.database, catalogue: orderEvents, routes: Object.fromEntries(starts) });

    await dispatcher.start();
    await Promise.all(Object.keys(routes).map((name) => dispatcher.delivered(receipt, name, { timeoutMs: 10_000 })));

    expect(await only('feed')).to.deep.equal(['feed c-1']);
  });

  it('leave nothing behind when they fail, and halt; resumed, they handle the message', async () => {
    let failures = 3;
    class Failing {
      @OutboxHandler(OrderPlaced, { name: route })
      async onPlaced({ data }: Message<OrderPlaced>, { tx, append }: HandlerContext<Tx>): Promise<void> {
        await shop.write(`failing ${data.customerId}`, tx);
        append(route, OrderNoted({ text: 'sent' }));
        if (failures-- > 0) throw new Error('no such account');
      }
    }
    const receipt = await place();
    const dispatcher = dispatcherTo(sinkOf(new Failing()));
    const { attempts } = await startUntil(dispatcher, 'halted');
    expect(attempts).to.equal(3);
    expect(await only('failing')).to.deep.equal([]);
    expect(await shop.database.inbox.claimed(route, receipt.messages[0]!.id)).to.equal(false);

    await dispatcher.resume(route);
    await dispatcher.delivered(receipt, route, { timeoutMs: 10_000 });

    expect(await only('failing')).to.deep.equal(['failing c-1']);
  });

  for (const moment of ['called', 'claimed', 'handled'] as const) {
    it(`of two steps commit once after crashes at "${moment}", with what they send on`, async () => {
      const calls: string[] = [];
      class Billing {
        @OutboxHandler(OrderPlaced, { name: route, twoStep: true })
        async charge({ id }: Message<OrderPlaced>, _call: CallContext): Promise<Commit<Tx>> {
          calls.push(id);
          return async ({ tx, append, load }) => {
            await shop.write(`${moment} charged`, tx);
            append(route, OrderNoted({ text: 'charged' }));
            (await load(Order, route)).note('charged');
          };
        }
      }
      const receipt = await place();

      await deliver(dispatcherTo(sinkOf(new Billing(), crash(moment, 2))), receipt);

      const { id } = receipt.messages[0]!;
      // A commit that fails behind a call is tried again without another call.
      expect(calls).to.deep.equal(moment === 'called' ? [id, id, id] : [id]);
      expect(await only(moment)).to.deep.equal([`${moment} charged`]);
      const sent = await shop.database.transactions.run((tx) => shop.database.outbox.headAndTail(`key-${route}`, 0n, tx));
      expect(sent.tail).to.have.length(1);
      expect(sent.tail[0]!.metadata.causationId).to.equal(id);
    });
  }
});
