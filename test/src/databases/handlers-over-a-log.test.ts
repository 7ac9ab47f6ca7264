import { expect } from 'chai';
import { Consumer, handled, InboxHandler, UnitOfWork } from '@waybill/core';
import type { CallContext, CommitOrCompensate, ConsumerOptions, HandlerContext, Message } from '@waybill/core';
import { InMemoryEventLog } from '@waybill/core/in-memory';
import { anArrivedMessage, eventually } from '@waybill/testing';
import { onEveryDatabase } from './databases.js';
import type { OpenDatabase, OpenedDatabase } from './databases.js';
import { Order, orderEvents, OrderCancelled, OrderNoted } from '../shop/order.js';

onEveryDatabase('handlers of one message over a log', <Tx>(open: OpenDatabase<Tx>) => {
  let shop: OpenedDatabase<Tx>;
  let unitOfWork: UnitOfWork<Tx>;
  let log: InMemoryEventLog;
  let consumer: Consumer<Tx> | undefined;
  let name: string;
  let failures: Error[];
  let told: string[];
  let runs = 0;

  before(async () => {
    shop = await open();
    unitOfWork = new UnitOfWork({ database: shop.database, catalogue: orderEvents });
  });
  beforeEach(() => {
    name = `run-${runs++}`;
    log = new InMemoryEventLog({ name });
    [failures, told] = [[], []];
  });
  afterEach(() => consumer?.stop());
  after(() => shop?.close());

  const failNow = (): void => {
    const failure = failures.shift();
    if (failure) throw failure;
  };
  const retry = { attempts: 2, firstMs: 1, maxMs: 1 };

  class First {
    @InboxHandler(OrderNoted, { name: 'first' })
    async on({ data }: Message<OrderNoted>, { tx, find, track }: HandlerContext<Tx>): Promise<void> {
      told.push('first');
      await shop.write(`${name} first`, tx);
      ((await find(Order, name)) ?? track(new Order(name))).note(`first ${data.text}`);
    }
  }
  class Second {
    @InboxHandler(OrderNoted, { name: 'second', retry })
    async on({ data }: Message<OrderNoted>, { tx, load, attempt }: HandlerContext<Tx>): Promise<void> {
      told.push(`second ${attempt}`);
      await shop.write(`${name} second`, tx);
      (await load(Order, name)).note(`second ${data.text}`);
      failNow();
    }
  }
  class BestEffort {
    @InboxHandler(OrderNoted, { name: 'best-effort', onFailure: 'discard' })
    async on(_message: Message<OrderNoted>, { tx, attempt }: HandlerContext<Tx>): Promise<void> {
      told.push(`best effort ${attempt}`);
      await shop.write(`${name} best effort`, tx);
      failNow();
    }
  }
  class Refunding {
    @InboxHandler(OrderCancelled, { name: 'refunding', twoStep: true, retry })
    async on(_message: Message<OrderCancelled>, _context: CallContext): Promise<CommitOrCompensate<Tx>> {
      told.push('call');
      return {
        commit: async ({ tx }) => {
          await shop.write(`${name} refunded`, tx);
          failNow();
        },
        compensate: async () => void told.push('compensate'),
      };
    }
  }
  const start = async (handlers: readonly object[], options: Partial<ConsumerOptions<Tx>> = {}): Promise<Consumer<Tx>> => {
    const base = { name, receiver: log, database: shop.database, unitOfWork, handlers };
    consumer = new Consumer<Tx>({ ...base, leaseMs: 2_000, retry: { attempts: 2, firstMs: 1, maxMs: 2 }, ...options });
    await consumer.start();
    return consumer;
  };
  const noted = () => anArrivedMessage(`note-${name}`, 0n, { type: 'OrderNoted', json: { text: 'hello' } });
  const cancelled = () => anArrivedMessage(`note-${name}`, 0n, { type: 'OrderCancelled', json: { reason: 'late' } });
  const isPast = (at: Consumer<Tx>): Promise<true> =>
    eventually('the message to be passed', async () =>
      ((await at.status()) as { position?: bigint } | undefined)?.position === undefined ? undefined : true,
    );
  const effects = async (): Promise<readonly string[]> =>
    (await shop.written()).filter((entry) => entry.startsWith(`${name} `)).map((entry) => entry.slice(name.length + 1));
  const notes = async (): Promise<readonly string[]> => (await unitOfWork.run(async ({ load }) => load(Order, name))).result.notes;

  it('work in one transaction, each on what those before it have done, and send on in its conversation', async () => {
    const message = noted();
    log.append(message);

    await isPast(await start([new First(), new Second()]));

    expect(await effects()).to.deep.equal(['first', 'second']);
    expect(await notes()).to.deep.equal(['first hello', 'second hello']);
    const { tail } = await shop.database.transactions.run((tx) => shop.database.outbox.headAndTail(`order-${name}`, 0n, tx));
    expect(tail.map(({ metadata: { correlationId, causationId } }) => [correlationId, causationId])).to.deep.equal([
      [message.metadata.correlationId, message.id],
      [message.metadata.correlationId, message.id],
    ]);
  });

  it('are all rolled back by one that fails, which has its tries in place', async () => {
    failures = [new Error('once')];
    log.append(noted());

    await isPast(await start([new First(), new Second()], { retry: { attempts: 1, firstMs: 1, maxMs: 1 } }));

    expect(told).to.deep.equal(['first', 'second 1', 'first', 'second 2']);
    expect(await effects()).to.deep.equal(['first', 'second']);
    expect(await notes()).to.have.length(2);
  });

  it('stop their consumer where one fails for good, and leave nothing behind', async () => {
    failures = Array.from({ length: 9 }, () => new Error('no such column'));
    log.append(noted());

    const stopped = await start([new First(), new Second()]);
    const status = await eventually('the stop', async () => {
      const found = (await stopped.status()) as { state?: string; failure?: { error: string } } | undefined;
      return found?.state === 'stopped' ? found : undefined;
    });

    expect(status.failure!.error).to.include('handler "second" failed: no such column');
    expect(await effects()).to.deep.equal([]);
  });

  it('go on without one that discards: its case and the effects of the others are one transaction', async () => {
    failures = [new Error('no such column')];
    const message = noted();
    log.append(message);

    await isPast(await start([new First(), new BestEffort()]));

    expect(await effects()).to.deep.equal(['first']);
    const open = await shop.database.cases.find({ of: 'best-effort', state: 'open', most: 100 });
    expect(open.filter(({ message: of }) => of?.id === message.id).map(({ kind }) => kind)).to.deep.equal(['message-discarded']);
  });

  it('call first and commit after, and take back what can never be committed', async () => {
    failures = [new Error('no such column'), new Error('no such column')];
    const message = cancelled();
    log.append(message);

    await isPast(await start([new Refunding()]));

    expect(told).to.deep.equal(['call', 'compensate']);
    expect(await effects()).to.deep.equal([]);
    const [found] = (await shop.database.cases.find({ of: 'refunding', most: 100 })).filter(({ message: of }) => of?.id === message.id);
    expect(found!.closed).to.include({ reason: 'its compensation was done' });
  });

  it('can be waited for by the receipt of who sent the message', async () => {
    const { messages, token } = await unitOfWork.run(async ({ append }) => append(name, OrderNoted({ text: 'hello' })));
    const [{ id, stream, revision }] = messages as [(typeof messages)[0]];
    const waiting = handled(token, await start([new First()]), { timeoutMs: 5_000 });

    log.append(anArrivedMessage(stream, revision, { id, type: 'OrderNoted', json: { text: 'hello' } }));

    expect(await waiting).to.equal('handled');
    expect(await effects()).to.deep.equal(['first']);
  });
});
