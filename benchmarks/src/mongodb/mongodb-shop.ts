import { MongoDBDatabase } from '@waybill/mongodb';
import type { MongoDBTx } from '@waybill/mongodb';
import { MongoClient } from 'mongodb';
import type { Db, Document } from 'mongodb';
import type { OrderTotals } from '../follow/order-totals.js';
import type { NaiveOutbox } from '../naive-outbox.js';
import { PAYLOAD } from '../order.js';
import type { ByHandInbox } from '../receive/by-hand-inbox.js';
import type { Address, Holdings, Shop, ShopOptions } from '../shop.js';
import { BY_HAND_INBOX, byHandInbox } from './by-hand-inbox.js';
import { commitByHand } from './by-hand-outbox.js';
import { CommandCount } from './command-count.js';
import { naiveOutbox } from './naive-outbox.js';
import type { OrderDocument } from './order-list.js';
import { ORDER_TOTALS, orderTotals, PLACE_BY_HAND } from './order-totals.js';

export interface Opening extends ShopOptions {
  readonly url: string;
  readonly database: string;
}

// Made beforehand: a collection that is first written in a transaction is made in it, and two that do so at once conflict.
const COLLECTIONS = ['order_list', 'naive_outbox', BY_HAND_INBOX, ORDER_TOTALS, PLACE_BY_HAND, 'something_else'];

/** A shop on MongoDB. */
export class MongoDBShop implements Shop<MongoDBTx> {
  readonly naive: NaiveOutbox;
  readonly inboxByHand: ByHandInbox;
  readonly totals: OrderTotals<MongoDBTx>;
  readonly commands: CommandCount;
  #foreign: MongoClient | undefined;
  readonly #db: Db;
  #isOpen = true;

  private constructor(
    readonly database: MongoDBDatabase,
    readonly address: Address,
    private readonly client: MongoClient,
  ) {
    this.#db = client.db(address.database);
    this.naive = naiveOutbox(this.#db);
    this.inboxByHand = byHandInbox(this.#db);
    this.totals = orderTotals(this.#db);
    this.commands = new CommandCount(client);
  }

  static async open({ url, database: name, lanes, counts = false }: Opening): Promise<MongoDBShop> {
    const client = new MongoClient(url, { monitorCommands: counts });
    const database = new MongoDBDatabase({ client, database: name, ...(lanes !== undefined && { lanes }) });
    await database.migrate();
    for (const collection of COLLECTIONS) await client.db(name).createCollection(collection);
    return new MongoDBShop(database, { kind: 'mongodb', url, database: name }, client);
  }

  insertOrder(id: string, { db, session }: MongoDBTx): Promise<unknown> {
    return db.collection<OrderDocument>('order_list').insertOne({ _id: id, ...PAYLOAD }, { session });
  }

  commitByHand(id: string): Promise<void> {
    return commitByHand(this.#db, id);
  }

  async holdings(): Promise<Holdings> {
    const heads = await this.#texts('waybill_streams', ({ _id, revision }) => `${_id} ${revision}`);
    const messages = await this.#texts('waybill_outbox', ({ _id: { stream, revision } }) => `${stream} ${revision}`);
    const listed = await this.#texts('order_list', ({ _id }) => `order-${_id} 0`);
    const [theHeads, theListed] = [new Set(heads), new Set(listed)];
    const whole = messages.filter((message) => theHeads.has(message) && theListed.has(message)).length;
    return { heads: heads.length, messages: messages.length, listed: listed.length, whole };
  }

  claims(): Promise<number> {
    return this.#db.collection('waybill_inbox').countDocuments();
  }

  sent(): number {
    return this.commands.total;
  }

  commitSomethingElse(): Promise<unknown> {
    this.#foreign ??= new MongoClient(this.address.url);
    return this.#foreign.db(this.address.database).collection('something_else').insertOne({ n: 1 });
  }

  async tidy(): Promise<void> {}

  /** Drops the database. Idempotent. */
  async end(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    await this.#db.dropDatabase();
    await this.#foreign?.close();
    await this.client.close();
  }

  async #texts(name: string, text: (document: Document) => string): Promise<readonly string[]> {
    const collection = this.#db.collection(name);
    return (await collection.find({}, { projection: { revision: 1 } }).toArray()).map(text);
  }
}
