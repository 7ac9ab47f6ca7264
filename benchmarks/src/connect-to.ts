import type { Database } from '@waybill/core';
import { MongoDBDatabase } from '@waybill/mongodb';
import { PostgresDatabase } from '@waybill/postgres';
import { MongoClient } from 'mongodb';
import { Pool } from 'pg';
import type { Address } from './shop.js';

export interface Connection {
  readonly database: Database;
  close(): Promise<void>;
}

/** The outbox at an address, in the process that was told of it. */
export function connectTo({ kind, url, database }: Address): Connection {
  if (kind === 'mongodb') {
    const client = new MongoClient(url);
    return { database: new MongoDBDatabase({ client, database }), close: () => client.close() };
  }
  const pool = new Pool({ connectionString: url, max: 16 });
  pool.on('error', () => {}); // the database may go first
  return { database: new PostgresDatabase({ pool }), close: () => pool.end() };
}
