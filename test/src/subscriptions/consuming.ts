import { Consumer, UnitOfWork } from '@waybill/core';
import type { ArrivedMessage, ConsumerEvents, ConsumerOptions, StoredSubscription } from '@waybill/core';
import { InMemoryEventLog } from '@waybill/core/in-memory';
import { eventually } from '@waybill/testing';
import type { OpenDatabase, OpenedDatabase } from '../databases/databases.js';
import { aParcel, Warehouse } from '../receiving/parcels.js';
import { orderEvents } from '../shop/order.js';

/** Soon enough for a test, and long enough for a busy machine. */
export const SHORT_LEASE_MS = 400;

type Told = {
  readonly [Name in keyof ConsumerEvents]: { readonly name: Name; readonly event: ConsumerEvents[Name] };
}[keyof ConsumerEvents];
const NAMES = [
  'acquired',
  'caught-up',
  'waiting',
  'stopped',
  'paused',
  'resumed',
  'lease-lost',
  'released',
  'retried',
  'parked',
  'outage',
] as const;

/** An application that consumes parcels from a log, and whatever processes of it a test starts. */
export class Consuming<Tx> {
  readonly unitOfWork: UnitOfWork<Tx>;
  readonly #consumers: Consumer<Tx>[] = [];
  log = new InMemoryEventLog();
  warehouse: Warehouse<Tx>;
  name = '';

  private constructor(readonly shop: OpenedDatabase<Tx>) {
    this.unitOfWork = new UnitOfWork({ database: shop.database, catalogue: orderEvents });
    this.warehouse = this.aWarehouse();
  }

  static async open<Tx>(open: OpenDatabase<Tx>): Promise<Consuming<Tx>> {
    return new Consuming(await open());
  }

  /** A log, a consumer's name and a warehouse that no test before has used. */
  begin(name: string): void {
    this.name = name;
    this.log = new InMemoryEventLog({ name });
    this.warehouse = this.aWarehouse();
  }

  aWarehouse(): Warehouse<Tx> {
    return new Warehouse<Tx>((entry, tx) => this.shop.write(`${this.name} ${entry}`, tx));
  }

  async end(): Promise<void> {
    await Promise.all(this.#consumers.splice(0).map((consumer) => consumer.stop()));
  }

  consumer(overrides: Partial<ConsumerOptions<Tx>> = {}): { readonly consumer: Consumer<Tx>; readonly told: Told[] } {
    const { name, log, unitOfWork, shop, warehouse } = this;
    const consumer = new Consumer<Tx>({
      ...{ name, receiver: log, database: shop.database, unitOfWork, handlers: [warehouse], leaseMs: SHORT_LEASE_MS },
      ...{ retry: { attempts: 3, firstMs: 1, maxMs: 20 }, stopWithinMs: 2_000 },
      ...overrides,
    });
    this.#consumers.push(consumer);
    const told: Told[] = [];
    for (const each of NAMES) consumer.on(each, (event) => told.push({ name: each, event } as Told));
    return { consumer, told };
  }

  async started(overrides: Partial<ConsumerOptions<Tx>> = {}): Promise<{ readonly consumer: Consumer<Tx>; readonly told: Told[] }> {
    const made = this.consumer(overrides);
    await made.consumer.start();
    return made;
  }

  /** So many parcels of one stream, numbered. */
  ship(count: number, from = 0): readonly ArrivedMessage[] {
    const parcels = Array.from({ length: count }, (_, nth) =>
      aParcel(`shipment-${this.name}`, BigInt(from + nth), { json: { orderId: String(from + nth), parcels: 1 } }),
    );
    this.log.append(...parcels);
    return parcels;
  }

  /** Numbers of the parcels whose effects are committed. */
  async noted(): Promise<readonly number[]> {
    const prefix = `${this.name} shipment-${this.name} `;
    return (await this.shop.written())
      .filter((entry) => entry.startsWith(prefix))
      .map((entry) => Number(entry.slice(prefix.length)))
      .sort((one, other) => one - other);
  }

  async notedAtLeast(count: number): Promise<readonly number[]> {
    return eventually(`the handling of ${count} parcels`, async () => {
      const noted = await this.noted();
      return noted.length >= count ? noted : undefined;
    });
  }

  stored(): Promise<StoredSubscription | undefined> {
    return this.shop.database.subscriptions.find(this.name);
  }

  async inState(state: StoredSubscription['state']): Promise<StoredSubscription> {
    return eventually(`the state ${state}`, async () => {
      const stored = await this.stored();
      return stored?.state === state ? stored : undefined;
    });
  }
}

/** 0, 1, ... */
export const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, nth) => nth);
