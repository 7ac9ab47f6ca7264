import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { InboxHandler, InboxHandlers, OutboxHandler, TargetUnavailableError, UnknownMessageTypeError } from '@waybill/core';
import type { CallContext, Commit, HandlerContext, InboxHandlersOptions, Message } from '@waybill/core';
import { onEveryDatabase } from '../databases/databases.js';
import type { OpenDatabase } from '../databases/databases.js';
import { failureOf } from '../shop/failure-of.js';
import { OrderNoted } from '../shop/order.js';
import { aParcel, ParcelShipped, Warehouse } from './parcels.js';
import { crash, Reception, take } from './reception.js';

onEveryDatabase('InboxHandlers', <Tx>(open: OpenDatabase<Tx>) => {
  let reception: Reception<Tx>;
  let stream: string;
  before(async () => (reception = await Reception.open(open)));
  beforeEach(() => (stream = randomUUID()));
  after(() => reception.close());

  const write = (entry: string, tx: Tx): Promise<void> => reception.shop.write(entry, tx);
  const failing = (failure: Error, times = 1): Warehouse<Tx> => {
    let left = times;
    const warehouse = new Warehouse<Tx>(write);
    warehouse.before = () => {
      if (left-- > 0) throw failure;
    };
    return warehouse;
  };
  class Labels {
    @InboxHandler(ParcelShipped, { name: 'print-label' })
    async onShipped({ stream }: Message<ParcelShipped>, { tx }: HandlerContext<Tx>): Promise<void> {
      await write(`${stream} label`, tx);
    }
  }

  for (const [what, error] of [
    ['an error of its own', new Error('no such order')],
    ['an error that would say something else of the message', new UnknownMessageTypeError('OrderShipped')],
  ] as const)
    it(`reject when a handler failed with ${what}, and leave its claim free and nothing behind`, async () => {
      const parcel = aParcel(stream);
      const intake = reception.now([failing(error)], { name: stream, inOrder: true });

      const failed = await failureOf('MESSAGE_REJECTED', () => take(intake, parcel));
      const left = [
        await reception.written(stream),
        await reception.shop.database.inbox.claimed('note-parcel', `${parcel.id} ${parcel.source}`),
      ];

      expect(failed.cause).to.equal(error);
      expect(failed.message).to.include('handler "note-parcel" failed: ');
      expect(left).to.deep.equal([[], false]);
      expect(await take(intake, parcel)).to.equal('handled');
      expect(await reception.written(stream)).to.deep.equal([`${stream} 7`]);
      expect(await reception.shop.database.inbox.claimed('note-parcel', `${parcel.id} ${parcel.source}`)).to.equal(true);
    });

  it('do not run again those that had finished when another one failed', async () => {
    const [parcel, warehouse] = [aParcel(stream), failing(new Error('no such order'))];
    const intake = reception.now([new Labels(), warehouse], { name: stream, inOrder: true });
    await take(intake, parcel).catch(() => {});
    const afterFailure = await reception.written(stream);

    const taken = await take(intake, parcel);

    expect(afterFailure).to.deep.equal([`${stream} label`]);
    expect(taken).to.equal('handled');
    expect(await reception.written(stream)).to.have.members([`${stream} 7`, `${stream} label`]);
  });

  it('make good what a crash left out between the effects and the record of the arrival', async () => {
    const warehouse = new Warehouse<Tx>(write);
    const intake = reception.now([warehouse], { name: stream, inOrder: true, reached: crash('committed') });
    const [zero, one] = [aParcel(stream, 0n, { previous: 'none' }), aParcel(stream, 1n, { previous: 0n })];
    await take(intake, zero).catch(() => {});

    await failureOf('PREDECESSOR_MISSING', () => take(intake, one));
    const again = [await take(intake, zero), await take(intake, one)];

    expect(again).to.deep.equal(['duplicate', 'handled']);
    expect(warehouse.seen).to.have.length(2);
  });

  it('commit in two steps, and send on in the conversation of what arrived', async () => {
    let calls: CallContext[] = [];
    class Tracking {
      @InboxHandler(ParcelShipped, { name: 'track', twoStep: true })
      async onShipped({ stream }: Message<ParcelShipped>, context: CallContext): Promise<Commit<Tx>> {
        calls = [...calls, context];
        return async ({ tx, append }) => {
          await write(`${stream} tracked`, tx);
          append(stream, OrderNoted({ text: 'tracked' }));
        };
      }
    }
    const parcel = aParcel(stream, 0n, { metadata: { correlationId: 'conversation' } });
    const intake = reception.now([new Tracking()], { name: stream });

    const taken = [await take(intake, parcel, { redelivered: true }), await take(intake, parcel)];

    expect(taken).to.deep.equal(['handled', 'duplicate']);
    expect(calls).to.have.length(1);
    expect(calls[0]).to.include({ handler: 'track', attempt: 1, mayBeRepeat: true });
    const { database } = reception.shop;
    const { tail } = await database.transactions.run((tx) => database.outbox.headAndTail(`key-${stream}`, 0n, tx));
    expect(tail.map(({ metadata }) => metadata)).to.deep.equal([{ correlationId: 'conversation', causationId: parcel.id }]);
  });

  it('pass on unchanged that a target is away, with the time it asks for', async () => {
    const away = new TargetUnavailableError('carrier', 'it said 503', { retryAfterMs: 5_000 });
    const intake = reception.now([failing(away)], { name: stream });

    expect((await failureOf('TARGET_UNAVAILABLE', () => take(intake, aParcel(stream)))).retryAfterMs).to.equal(5_000);
  });

  it('do nothing with a type that nobody handles where they are told to ignore it, and count it in its order', async () => {
    const ignoring = new InboxHandlers<Tx>({
      ...{ name: stream, database: reception.shop.database, unitOfWork: reception.unitOfWork, unknownTypes: 'ignore', inOrder: true },
      handlers: [new Warehouse<Tx>(write)] as readonly object[],
    });

    expect(await take(ignoring, aParcel(stream, 0n, { type: 'ParcelLost', previous: 'none' }))).to.equal('handled');
    expect(await take(ignoring, aParcel(stream, 1n, { previous: 0n }))).to.equal('handled');
    await failureOf('UNKNOWN_MESSAGE_TYPE', () => take(ignoring, aParcel(stream, 2n, { schemaVersion: 9, previous: 1n })));
    await failureOf('INVALID_STREAM_NAME', () => take(ignoring, aParcel('$all', 0n, { type: 'ParcelLost' })));
  });

  it('are refused without a name, without a handler, and with what does not exist', async () => {
    const valid = { name: stream, database: reception.shop.database, unitOfWork: reception.unitOfWork };
    const handlers: readonly object[] = [new Labels()];
    class Billing {
      @OutboxHandler(OrderNoted, { name: 'bill' })
      async onNoted(_message: Message<OrderNoted>): Promise<void> {}
    }
    const wrong = [
      { ...valid, handlers, name: '' },
      { ...valid, handlers, name: undefined },
      { ...valid, handlers, name: 'x'.repeat(201) },
      { ...valid, handlers, name: 'a\0' },
      { ...valid, handlers: [] },
      { ...valid, handlers: [...handlers, ...handlers] },
      { ...valid, handlers: [new Billing()] },
      { ...valid, handlers, unknownTypes: 'skip' },
    ];

    for (const options of wrong)
      await failureOf('INVALID_OPTIONS', () => new InboxHandlers<Tx>(options as unknown as InboxHandlersOptions<Tx>));
  });
});
