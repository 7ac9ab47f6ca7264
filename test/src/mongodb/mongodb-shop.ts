import { UnitOfWork } from '@waybill/core';
import { MongoDBDatabase } from '@waybill/mongodb';
import type { MongoDBOptions, MongoDBTx } from '@waybill/mongodb';
import { MongoClient } from 'mongodb';
import type { Db, MongoClientOptions } from 'mongodb';
import { mongodbDatabase } from '../servers.js';
import { NoteWritten } from '../shop/notebook.js';

/** Where a shop is: a server, and a database on it. */
export interface Address {
  readonly url: string;
  readonly database: string;
}

export interface MongoDBShop extends Address {
  readonly client: MongoClient;
  /** The application's database. */
  readonly db: Db;
  readonly waybill: MongoDBDatabase;
  readonly unitOfWork: UnitOfWork<MongoDBTx>;
  close(): Promise<void>;
}

export interface ShopOptions extends Omit<MongoDBOptions, 'client' | 'database'> {
  readonly at?: Address;
  readonly clientOptions?: MongoClientOptions;
}

/** A migrated database of its own, or the one at an address, and a unit of work on it. */
export async function openShop({ at, clientOptions, ...options }: ShopOptions = {}): Promise<MongoDBShop> {
  const address = at ?? (await mongodbDatabase());
  const client = new MongoClient(address.url, clientOptions);
  const waybill = new MongoDBDatabase({ client, database: address.database, ...options });
  await waybill.migrate().catch(async (error: unknown) => {
    await client.close();
    throw error;
  });
  const unitOfWork = new UnitOfWork({ database: waybill, catalogue: [NoteWritten] });
  return { ...address, client, db: client.db(address.database), waybill, unitOfWork, close: () => client.close() };
}
