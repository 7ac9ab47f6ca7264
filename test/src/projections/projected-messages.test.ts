import { expect } from 'chai';
import { defineEvent, Projections, projector, UnitOfWork } from '@waybill/core';
import type { Message } from '@waybill/core';
import { InMemoryDatabase, InMemoryEventLog } from '@waybill/core/in-memory';
import type { InMemoryTx } from '@waybill/core/in-memory';
import { anArrivedMessage, eventually } from '@waybill/testing';
import { z } from 'zod';
import { Order, orderEvents, OrderPlaced } from '../shop/order.js';

const ParcelShipped = defineEvent('ParcelShipped', z.object({ orderId: z.string() }), { formerly: ['OrderShipped'] }).next(
  z.object({ orderId: z.string(), parcels: z.number().int() }),
  ({ orderId }) => ({ orderId, parcels: 1 }),
);

describe('a projection that follows sees', () => {
  let log: InMemoryEventLog;
  let seen: Message[];
  let projections: Projections<InMemoryTx>;

  beforeEach(() => {
    log = new InMemoryEventLog();
    seen = [];
    projections = new Projections({
      ...{ database: new InMemoryDatabase(), log, catalogue: [...orderEvents, ParcelShipped] },
      projections: [projector<InMemoryTx>('all').on([OrderPlaced, ParcelShipped], async (message) => seen.push(message))],
    });
  });
  afterEach(() => projections.stop());

  const seenIn = async (count: number): Promise<readonly Message[]> => {
    await projections.start();
    return eventually(`${count} messages`, async () => (seen.length >= count ? seen : undefined));
  };

  it('events in their newest shape and under their newest name', async () => {
    log.append(
      anArrivedMessage('order-1', 0n, { type: 'OrderShipped', schemaVersion: 1, json: { orderId: '1' } }),
      anArrivedMessage('order-2', 4n, { type: 'ParcelShipped', schemaVersion: 2, json: { orderId: '2', parcels: 3 } }),
    );

    const [former, newest] = await seenIn(2);

    expect(former).to.deep.include({ type: 'ParcelShipped', schemaVersion: 2, revision: 0n, data: { orderId: '1', parcels: 1 } });
    expect(newest).to.deep.include({ stream: 'order-2', revision: 4n, data: { orderId: '2', parcels: 3 } });
  });

  it('the id, place, time and metadata that one sees inline', async () => {
    const inline: Message[] = [];
    const unitOfWork = new UnitOfWork<InMemoryTx>({
      ...{ database: new InMemoryDatabase(), catalogue: orderEvents },
      projectors: [projector<InMemoryTx>('inline').on(OrderPlaced, async (message) => inline.push(message))],
    });
    await unitOfWork.run(async ({ track }) => void track(Order.placed('7')), { causationId: 'a-request', metadata: { tenant: 'north' } });
    const [{ data: json, ...message }] = inline as [Message];

    log.append({ ...message, json, codec: 'json', source: 'eventstoredb', route: 'to-store' });

    expect(await seenIn(1)).to.deep.equal([{ ...message, codec: 'json', data: json }]);
  });

  it('messages that were sent with append, too', async () => {
    log.append(anArrivedMessage('key-7', 0n, { type: 'OrderPlaced', json: { customerId: 'c-1', totalCents: 1 } }));

    expect((await seenIn(1))[0]?.stream).to.equal('key-7');
  });

  it('nothing that could poison its objects', async () => {
    const json: unknown = JSON.parse('{ "orderId": "1", "parcels": 1, "__proto__": { "isAdmin": true } }');
    log.append(anArrivedMessage('order-1', 0n, { type: 'ParcelShipped', schemaVersion: 2, json }));
    const failed = new Promise<string>((resolve) => projections.on('waiting', ({ failure }) => resolve(failure.error)));

    await projections.start();

    expect(await failed).to.include('__proto__');
    expect(seen).to.deep.equal([]);
  });
});
