import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { ArrivalLog } from '@waybill/core';
import type { ArrivalLogOptions } from '@waybill/core';
import { onEveryDatabase } from '../databases/databases.js';
import type { OpenDatabase } from '../databases/databases.js';
import { next, stopDispatchers } from '../shop/dispatching.js';
import { failureOf } from '../shop/failure-of.js';
import { aParcel, ParcelShipped, parcelsOf, Warehouse } from './parcels.js';
import { crash, Reception, take } from './reception.js';

const STREAMS = 6;
const PARCELS = 8;

onEveryDatabase('an arrival log', <Tx>(open: OpenDatabase<Tx>) => {
  let reception: Reception<Tx>;
  /** Of the route, and what the names of its streams begin with. */
  let route: string;
  before(async () => (reception = await Reception.open(open)));
  beforeEach(() => (route = randomUUID()));
  stopDispatchers();
  after(() => reception.close());

  const aWarehouse = (): Warehouse<Tx> => new Warehouse<Tx>((entry, tx) => reception.shop.write(entry, tx));

  it('keeps what it accepted as it arrived, until somebody handles it', async () => {
    const log = reception.later({ name: route });
    const parcel = aParcel(route, 41n, { type: 'OrderShipped', schemaVersion: 1, json: { orderId: '7' } });

    const taken = await take(log, parcel);
    const [kept] = await reception.kept(route);

    expect(taken).to.equal('accepted');
    expect(kept).to.include({
      id: parcel.id,
      type: 'OrderShipped',
      schemaVersion: 1,
      codec: 'json',
      payload: '{"orderId":"7"}',
      revision: 0n,
    });
    expect(await reception.written(route)).to.deep.equal([]);
    await reception.dispatcher(route, [aWarehouse()]).start();
    expect(await reception.writtenOnce(route, 1)).to.deep.equal([`${route} 7`]);
  });

  for (const moment of ['delivered', 'claimed', 'handled'] as const) {
    it(`loses and doubles nothing when its dispatcher crashes at "${moment}"`, async () => {
      const log = reception.later({ name: route, inOrder: true });
      for (const parcel of parcelsOf(route, 3)) await take(log, parcel);

      await reception.dispatcher(route, [aWarehouse()], { reached: crash(moment, 2) }).start();
      await reception.writtenOnce(route, 3);
      const last = await take(log, aParcel(route, 3n, { previous: 2n, json: { orderId: 'last', parcels: 1 } }));

      expect(last).to.equal('accepted');
      expect(await reception.writtenOnce(route, 4)).to.deep.equal(['0', '1', '2', 'last'].map((orderId) => `${route} ${orderId}`));
    });
  }

  it('is handled in the order of each stream, by two dispatchers', async () => {
    const warehouse = aWarehouse();
    const log = reception.later({ name: route, inOrder: true });
    const streams = Array.from({ length: STREAMS }, (_, nth) => `${route}-${nth}`);
    await reception.dispatcher(route, [warehouse]).start();
    await reception.dispatcher(route, [warehouse]).start();

    await Promise.all(
      streams.map(async (stream) => {
        for (const parcel of parcelsOf(stream, PARCELS)) await take(log, parcel);
      }),
    );
    await reception.writtenOnce(route, STREAMS * PARCELS);

    const inOrder = Array.from({ length: PARCELS }, (_, nth) => String(nth));
    for (const stream of streams) {
      const handled = warehouse.seen.filter((message) => message.stream === stream).map(({ data }) => data.orderId);
      expect([...new Set(handled)]).to.deep.equal(inOrder);
    }
    expect(await reception.written(route)).to.have.length(STREAMS * PARCELS);
  });

  it('parks a stream whose handler goes on failing, lets the others pass, and handles it in order after a redrive', async () => {
    const warehouse = aWarehouse();
    let isBroken = true;
    warehouse.before = ({ stream, data }) => {
      if (isBroken && stream.endsWith('bad') && data.orderId === '1') throw new Error('no such order');
    };
    const log = reception.later({ name: route });
    const dispatcher = reception.dispatcher(route, [warehouse], { onFailure: 'park-stream' });
    const parked = next(dispatcher, 'parked');
    await dispatcher.start();

    for (const parcel of parcelsOf(`${route}-bad`, 3)) await take(log, parcel);
    const { error } = await parked;
    for (const parcel of parcelsOf(`${route}-good`, 3)) await take(log, parcel);
    const meanwhile = await reception.writtenOnce(route, 4);
    isBroken = false;
    await dispatcher.redrive(route, { stream: `${route}-bad` });
    await reception.writtenOnce(route, 6);

    expect(error.message).to.include('no such order');
    expect(meanwhile).to.deep.equal([`${route}-bad 0`, ...[0, 1, 2].map((nth) => `${route}-good ${nth}`)]);
    expect(warehouse.seen.filter(({ stream }) => stream.endsWith('bad')).map(({ data }) => data.orderId)).to.deep.equal([
      '0',
      '1',
      '1',
      '1',
      '1',
      '2',
    ]);
  });

  it('and a receiver that handles now do not both handle a message', async () => {
    const parcel = aParcel(route, 0n, { id: `parcel ${route}` });
    await take(reception.now([aWarehouse()], { name: route }), parcel);
    const log = reception.later({ name: route });
    const dispatcher = reception.dispatcher(route, [aWarehouse()]);
    await dispatcher.start();

    const taken = [await take(log, parcel), await take(log, aParcel(route, 1n, { json: { orderId: 'next', parcels: 1 } }))];

    expect(taken).to.deep.equal(['accepted', 'accepted']);
    expect(await reception.writtenOnce(route, 2)).to.deep.equal([`${route} 7`, `${route} next`]);
  });

  it('remembers what it took under its name, and handlers still handle once what arrived under two', async () => {
    const parcel = aParcel(route);
    const warehouse = aWarehouse();

    const taken = [
      await take(reception.later({ name: `${route} 1` }), parcel),
      await take(reception.later({ name: `${route} 2` }), parcel),
    ];
    await take(reception.later({ name: `${route} 2` }), aParcel(route, 1n, { json: { orderId: 'next', parcels: 1 } }));
    await reception.dispatcher(route, [warehouse]).start();

    expect(taken).to.deep.equal(['accepted', 'accepted']);
    expect(await reception.writtenOnce(route, 2)).to.deep.equal([`${route} 7`, `${route} next`]);
    expect(warehouse.seen).to.have.length(2);
  });

  it('is refused without a name, and without a definition', async () => {
    const valid: ArrivalLogOptions<Tx> = { name: route, database: reception.log, catalogue: [ParcelShipped] };

    for (const wrong of [
      { name: '' },
      { name: 7 },
      { catalogue: [] },
      { catalogue: [ParcelShipped, { ...ParcelShipped, type: 'OrderShipped' }] },
    ])
      await failureOf('INVALID_OPTIONS', () => new ArrivalLog<Tx>({ ...valid, ...(wrong as object) }));
  });
});
