import { expect } from 'chai';
import { handled, HandlerSink, InboxHandler, InboxHandlers, OutboxHandler, UnitOfWork } from '@waybill/core';
import type { HandlerContext, Message, Receipt } from '@waybill/core';
import { InMemoryDatabase } from '@waybill/core/in-memory';
import type { InMemoryTx } from '@waybill/core/in-memory';
import { anArrivedMessage, isWaiting } from '@waybill/testing';
import { aRunningDispatcher, QUICKLY, stopDispatchers } from '../shop/dispatching.js';
import { failureOf } from '../shop/failure-of.js';
import { Order, orderEvents, OrderNoted, OrderPlaced } from '../shop/order.js';
import { decoratorMode } from './decorator-mode.js';

const SHOP = 'https://shop.example';

describe(`who waits until a message is handled (${decoratorMode} decorators)`, () => {
  let database: InMemoryDatabase;
  let unitOfWork: UnitOfWork<InMemoryTx>;
  let written: string[];
  let mayEnd: () => void;
  let gate: Promise<void>;

  beforeEach(() => {
    database = new InMemoryDatabase();
    unitOfWork = new UnitOfWork({ database, catalogue: orderEvents });
    written = [];
    gate = new Promise((resolve) => (mayEnd = resolve));
  });
  stopDispatchers();

  class Diary {
    @OutboxHandler(OrderPlaced, { name: 'quick' })
    async onPlaced(_message: Message<OrderPlaced>): Promise<void> {}

    @OutboxHandler(OrderPlaced, { name: 'slow' })
    async onPlacedSlowly(_message: Message<OrderPlaced>, { tx }: HandlerContext<InMemoryTx>): Promise<void> {
      tx.onCommit(() => written.push('slowly'));
      await gate;
    }

    @InboxHandler(OrderPlaced, { name: 'arriving' })
    async onArrived(_message: Message<OrderPlaced>, { tx }: HandlerContext<InMemoryTx>): Promise<void> {
      tx.onCommit(() => written.push('arrived'));
    }
  }
  const aSink = (): HandlerSink<InMemoryTx> => new HandlerSink<InMemoryTx>({ database, unitOfWork, handlers: [new Diary()] });
  const place = (): Promise<Receipt> => unitOfWork.run(async ({ track }) => void track(Order.placed('7')));
  const note = (): Promise<Receipt> => unitOfWork.run(async ({ append }) => append('7', OrderNoted({ text: 'hello' })));
  const dispatch = async (sink: HandlerSink<InMemoryTx>): Promise<void> =>
    void (await aRunningDispatcher({ database, catalogue: orderEvents, routes: { diary: { sink, start: 'beginning', retry: QUICKLY } } }));

  it('does so until the last of its handlers has committed its effects', async () => {
    const sink = aSink();
    const receipt = await place();
    await dispatch(sink);
    const waiting = handled(receipt, sink);

    expect(await isWaiting(waiting)).to.equal(true);
    mayEnd();

    expect(await waiting).to.equal('handled');
    expect(written).to.deep.equal(['slowly']);
  });

  it('may do so in another process, by the token', async () => {
    const { token } = await place();
    await dispatch(aSink());
    mayEnd();

    expect(await handled(token, aSink(), { timeoutMs: 2_000 })).to.equal('handled');
  });

  it('is told at once that no handler wants it, and that there is nothing to wait for', async () => {
    expect(await handled(await note(), aSink())).to.equal('not-selected');
    expect(await handled(await unitOfWork.run(async () => {}), aSink())).to.equal('not-selected');
  });

  it('gives up in time', async () => {
    const { message } = await failureOf('WAIT_TIMEOUT', async () => handled(await place(), aSink(), { timeoutMs: 5 }));

    expect(message).to.include('Handling by "quick" and 1 more');
  });

  it('is told when it is not wanted any more', async () => {
    const leaving = new AbortController();
    const waiting = handled(await place(), aSink(), { signal: leaving.signal });

    leaving.abort(new Error('the request was cancelled'));

    expect(await waiting.catch((error: unknown) => (error as Error).message)).to.equal('the request was cancelled');
  });

  it('says whose message it is where that arrives from elsewhere', async () => {
    const intake = new InboxHandlers<InMemoryTx>({ name: 'parcels', database, unitOfWork, handlers: [new Diary()] });
    const receipt = await place();
    const [{ id, stream, revision }] = receipt.messages as [Receipt['messages'][0]];
    const payload = { type: 'OrderPlaced', json: { customerId: 'c-1', totalCents: 1 } };
    const waiting = handled(receipt, intake, { source: SHOP, timeoutMs: 2_000 });
    const anothers = handled(receipt, intake, { source: 'https://another.example', timeoutMs: 50 });

    await intake.take(anArrivedMessage(stream, revision, { ...payload, id, source: SHOP }), { signal: new AbortController().signal });

    expect(await waiting).to.equal('handled');
    await failureOf('WAIT_TIMEOUT', () => anothers);
  });

  it('is refused where that cannot be known: by what arrives without its source, by an odd token, by an odd time', async () => {
    const intake = new InboxHandlers<InMemoryTx>({ name: 'parcels', database, unitOfWork, handlers: [new Diary()] });
    const receipt = await place();
    const old = Buffer.from(JSON.stringify([[receipt.messages[0]!.id, 'order-7', '0']])).toString('base64url');

    expect((await failureOf('INVALID_OPTIONS', () => handled(receipt, intake))).message).to.include('pass { source }');
    expect((await failureOf('INVALID_OPTIONS', () => handled(old, aSink()))).message).to.include('made by an older version');
    expect((await failureOf('INVALID_OPTIONS', () => handled('nonsense', aSink()))).message).to.include("is not a receipt's token");
    await failureOf('INVALID_OPTIONS', () => handled(receipt, aSink(), { timeoutMs: Number.NaN }));
  });
});
