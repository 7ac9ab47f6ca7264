import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { HandlerSink, OutboxHandler, outboxMessage, Catalogue, UnitOfWork } from '@waybill/core';
import type { CallContext, Checkpoint, Commit, Delivery, HandlerContext, LaneLease, Message, OutboxMessage } from '@waybill/core';
import { aDeliveryContext, aMessage, eventually } from '@waybill/testing';
import { aRunningDispatcher, stopDispatchers } from '../shop/dispatching.js';
import { OrderCancelled, orderEvents, OrderNoted, OrderPlaced } from '../shop/order.js';
import { onEveryDatabase } from './databases.js';
import type { OpenDatabase, OpenedDatabase } from './databases.js';

const ROUTE = 'diary';
const LONG_MS = 60_000;

onEveryDatabase('a process that has lost its lane without knowing,', <Tx>(open: OpenDatabase<Tx>) => {
  let shop: OpenedDatabase<Tx>;
  let unitOfWork: UnitOfWork<Tx>;
  let lost: LaneLease;
  let held: LaneLease;
  let calls = 0;

  before(async () => {
    shop = await open();
    unitOfWork = new UnitOfWork({ database: shop.database, catalogue: orderEvents });
    lost = await leaseOf(ROUTE, 1);
    held = await leaseOf(ROUTE, LONG_MS);
  });
  stopDispatchers();
  after(() => shop?.close());

  const leaseOf = async (route: string, leaseMs: number): Promise<LaneLease> => {
    const { routes, leases } = shop.database;
    await routes.save({ name: route, order: 'global', selection: {}, start: 'beginning' });
    const acquire = async () => (await leases.acquire({ route, owner: `for ${leaseMs}`, leaseMs, most: 1 }))[0]?.lease;
    return eventually('the lease', acquire);
  };

  class Diary {
    @OutboxHandler(OrderNoted, { name: 'noting', onFailure: 'discard' })
    async onNoted({ id }: Message<OrderNoted>, { tx, append }: HandlerContext<Tx>): Promise<void> {
      await shop.write(id, tx);
      append(`sent-${id}`, OrderNoted({ text: id }));
    }

    @OutboxHandler(OrderCancelled, { name: 'closing' })
    async onCancelled({ id }: Message<OrderCancelled>, { tx }: HandlerContext<Tx>): Promise<void> {
      await shop.write(id, tx);
    }

    @OutboxHandler(OrderPlaced, { name: 'charging', twoStep: true })
    async onPlaced({ id }: Message<OrderPlaced>, _context: CallContext): Promise<Commit<Tx>> {
      calls++;
      return async ({ tx }) => shop.write(id, tx);
    }
  }
  const aSink = (): HandlerSink<Tx> => new HandlerSink<Tx>({ database: shop.database, unitOfWork, handlers: [new Diary()] });
  const messageOf = (type: string, data: object, id: string = randomUUID()): OutboxMessage => {
    const place = { stream: 'order-7', revision: 0n, position: 1n, recordedAt: new Date(), checkpoint: {} as Checkpoint };
    return outboxMessage({ ...aMessage(type, { id }), ...place, payload: JSON.stringify(data) }, new Catalogue(orderEvents));
  };
  const deliver = (message: OutboxMessage, { route, lane, epoch }: LaneLease): Promise<Delivery> =>
    aSink().deliver([message], aDeliveryContext({ route, lane, epoch }));
  const effectsOf = async ({ id }: OutboxMessage): Promise<readonly string[]> => (await shop.written()).filter((entry) => entry === id);

  it('commits no effect of a message that nobody has handled, and its lane comes again', async () => {
    const message = messageOf('OrderNoted', { text: 'hello' });

    const { accepted, failure } = await deliver(message, lost);

    expect([accepted, failure?.code]).to.deep.equal([0, 'SINK_UNAVAILABLE']);
    expect(failure!.cause).to.have.property('code', 'LEASE_LOST');
    expect(await effectsOf(message)).to.deep.equal([]);
    expect(await shop.database.inbox.claimed('noting', message.id)).to.equal(false);
    expect(await shop.database.cases.find({ of: 'noting', most: 10 }), 'given up').to.deep.equal([]);
  });

  it('is in doubt after a call, and opens no case: whoever has the lane goes on', async () => {
    const message = messageOf('OrderPlaced', { customerId: 'c-1', totalCents: 1 });

    const { failure, inDoubt } = await deliver(message, lost);
    const next = await deliver(message, held);

    expect([failure?.code, inDoubt, calls]).to.deep.equal(['SINK_UNAVAILABLE', true, 2]);
    expect(next).to.deep.equal({ accepted: 1 });
    expect(await effectsOf(message)).to.deep.equal([message.id]);
    expect(await shop.database.cases.find({ of: 'charging', most: 10 })).to.deep.equal([]);
  });

  it('commits none either once the message, and the claim of the one that has the lane, were removed', async () => {
    const { database } = shop;
    const frozen = await leaseOf('purged', 1);
    const { id } = (await unitOfWork.run(async ({ append }) => append('7', OrderCancelled({ reason: 'late' })))).messages[0]!;
    const message = messageOf('OrderCancelled', { reason: 'late' }, id);
    await database.routes.retire(ROUTE); // it would hold the message back
    await aRunningDispatcher({ database, catalogue: orderEvents, routes: { purged: { sink: aSink(), order: 'global' } }, pollMs: 5 });
    await eventually('the removal of the claim', async () => {
      if ((await effectsOf(message)).length === 0) return undefined;
      await database.retention.removeMessages({ olderThanMs: 0, most: 1_000 });
      await database.retention.removeClaims({ olderThanMs: Infinity, most: 1_000 });
      return (await database.inbox.claimed('closing', id)) ? undefined : true;
    });

    expect((await deliver(message, frozen)).failure?.cause).to.have.property('code', 'LEASE_LOST');

    expect(await effectsOf(message)).to.deep.equal([id]);
  });
});
