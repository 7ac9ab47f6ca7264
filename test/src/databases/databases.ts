import type { Database } from '@waybill/core';
import { InMemoryDatabase } from '@waybill/core/in-memory';
import type { InMemoryTx } from '@waybill/core/in-memory';
import { MongoDBDatabase } from '@waybill/mongodb';
import type { MongoDBTx } from '@waybill/mongodb';
import { PostgresDatabase } from '@waybill/postgres';
import type { PostgresTx } from '@waybill/postgres';
import { openShop as openMongoDBShop } from '../mongodb/mongodb-shop.js';
import { openShop as openPostgresShop } from '../postgres/postgres-shop.js';

/** A database with something of the application's own in it: what is tested on it must not know which it is. */
export interface OpenedDatabase<Tx> {
  readonly database: Database<Tx>;
  /** A second outbox beside the first, migrated: an arrival log's. */
  arrivalLog(): Promise<Database<Tx>>;
  /** An entry of the application's diary, in the transaction. */
  write(entry: string, tx: Tx): Promise<void>;
  /** The committed entries. */
  written(): Promise<readonly string[]>;
  close(): Promise<void>;
}

export async function inMemory(): Promise<OpenedDatabase<InMemoryTx>> {
  const entries: string[] = [];
  return {
    database: new InMemoryDatabase(),
    arrivalLog: async () => new InMemoryDatabase(),
    write: async (entry, tx) => tx.onCommit(() => entries.push(entry)),
    written: async () => [...entries].sort(),
    close: async () => {},
  };
}

export async function postgres(): Promise<OpenedDatabase<PostgresTx>> {
  const { database, pool, close } = await openPostgresShop();
  await pool.query('create table diary (entry text)');
  return {
    database,
    arrivalLog: async () => {
      const log = new PostgresDatabase({ pool, schema: 'arrivals' });
      await log.migrate();
      return log;
    },
    write: async (entry, tx) => void (await tx.query('insert into diary values ($1)', [entry])),
    written: async () => (await pool.query<{ entry: string }>('select entry from diary order by entry')).rows.map(({ entry }) => entry),
    close,
  };
}

export async function mongodb(): Promise<OpenedDatabase<MongoDBTx>> {
  const { waybill, client, db, close } = await openMongoDBShop();
  const diary = await db.createCollection<{ entry: string }>('diary');
  return {
    database: waybill,
    arrivalLog: async () => {
      const log = new MongoDBDatabase({ client, database: db.databaseName, prefix: 'arrivals_' });
      await log.migrate();
      return log;
    },
    write: async (entry, { db, session }) => void (await db.collection('diary').insertOne({ entry }, { session })),
    written: async () => (await diary.find().sort({ entry: 1 }).toArray()).map(({ entry }) => entry),
    close,
  };
}

export type OpenDatabase<Tx> = () => Promise<OpenedDatabase<Tx>>;

/** Registers the same tests for each database. */
export function onEveryDatabase(what: string, tests: <Tx>(open: OpenDatabase<Tx>) => void): void {
  describe(`${what} in memory`, () => tests(inMemory));
  describe(`${what} on PostgreSQL`, () => tests(postgres));
  describe(`${what} on MongoDB`, () => tests(mongodb));
}
