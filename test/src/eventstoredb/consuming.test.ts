import { anOutboxMessage, eventually } from '@waybill/testing';
import { Consumer, UnitOfWork } from '@waybill/core';
import type { ConsumerOptions, EventLog, OutboxMessage, Receiver } from '@waybill/core';
import type { InMemoryTx } from '@waybill/core/in-memory';
import { expect } from 'chai';
import { inMemory } from '../databases/databases.js';
import type { OpenedDatabase } from '../databases/databases.js';
import { Warehouse } from '../receiving/parcels.js';
import { orderEvents } from '../shop/order.js';
import { deliverAll } from './deliver-all.js';
import { emulated } from './emulated.js';
import type { Emulated } from './emulated.js';

const PARCELS = 200;
const KILLS = 20;

describe('EventStoreDB: a consumer', () => {
  let server: Emulated;
  let shop: OpenedDatabase<InMemoryTx>;
  let consumers: Consumer<InMemoryTx>[];
  beforeEach(async () => {
    server = await emulated({ eventstore: { readTimeoutMs: 300, appendTimeoutMs: 1_000 } });
    shop = await inMemory();
    consumers = [];
  });
  afterEach(async () => {
    await Promise.all(consumers.map((consumer) => consumer.stop()));
    await server.close();
  });

  async function start(
    receiver: EventLog | Receiver,
    overrides: Partial<ConsumerOptions<InMemoryTx>> = {},
  ): Promise<Warehouse<InMemoryTx>> {
    const { database } = shop;
    const warehouse = new Warehouse<InMemoryTx>((entry, tx) => shop.write(entry, tx));
    const unitOfWork = new UnitOfWork({ database, catalogue: orderEvents });
    const consumer = new Consumer<InMemoryTx>({
      ...{ name: 'warehouse', receiver, database, unitOfWork, handlers: [warehouse] },
      ...{ retry: { attempts: 3, firstMs: 1, maxMs: 20 }, ...overrides },
    });
    consumers.push(consumer);
    await consumer.start();
    return warehouse;
  }
  const parcel = (revision: bigint): OutboxMessage => {
    const payload = JSON.stringify({ orderId: String(revision), parcels: 1 });
    return anOutboxMessage('shipment-1', revision, { type: 'ParcelShipped', schemaVersion: 2, payload });
  };
  async function shipAndKill(): Promise<void> {
    const perKill = PARCELS / KILLS;
    for (let nth = 0; nth < KILLS; nth++) {
      const revisions = Array.from({ length: perKill }, (_, place) => BigInt(nth * perKill + place));
      await deliverAll(server, revisions.map(parcel));
      await server.emulator.restart();
    }
  }
  const handled = (parcels = PARCELS): Promise<readonly string[]> =>
    eventually('the last parcel', async () => {
      const written = await shop.written();
      return written.length >= parcels ? written : undefined;
    });

  it('goes on behind a stream that was deleted while it was stopped, and knows one that was lost', async () => {
    const log = server.eventstore.subscribe({ stream: 'shipment-1' });
    await start(log);
    await deliverAll(server, [parcel(0n), parcel(1n)]);
    await handled(2);
    await consumers[0]!.stop();
    await server.stranger().deleteStream('shipment-1');

    await start(log);
    await new Promise((resolve) => void consumers[1]!.on('caught-up', resolve));
    await deliverAll(server, [parcel(2n)]);

    expect(await handled(3)).to.have.length(3);
    await consumers[1]!.stop();
    const other = await emulated();
    await start(other.eventstore.subscribe({ stream: 'shipment-1' }));
    const stopped = await eventually('the stop', async () => {
      const status = await consumers[2]!.status();
      return status?.state === 'stopped' ? status : undefined;
    });
    expect(stopped).to.have.nested.property('failure.code', 'EVENT_LOG_BEHIND');
    await consumers[2]!.stop();
    await other.close();
  });

  it('handles each message of a log once, and in order, over twenty kills', async () => {
    const warehouse = await start(server.eventstore.subscribe({ category: 'shipment' }, { silenceMs: 500 }));

    await shipAndKill();

    const written = await handled();
    expect(new Set(written).size).to.equal(PARCELS);
    expect(written).to.have.length(PARCELS);
    const order = warehouse.seen.map(({ revision }) => Number(revision));
    expect(order.filter((revision, nth) => order.indexOf(revision) === nth)).to.deep.equal([...Array(PARCELS).keys()]);
  });

  it('handles each message of a group once, by two consumers, over twenty kills', async () => {
    const options = { group: 'warehouse', silenceMs: 500 };
    const open = [server.eventstore, server.another({ readTimeoutMs: 300 })];
    for (const eventstore of open) await start(eventstore.persistentSubscription({ category: 'shipment' }, options));

    await shipAndKill();

    const written = await handled();
    expect(new Set(written).size).to.equal(PARCELS);
    expect(written).to.have.length(PARCELS);
  });
});
