import type { Database } from '@waybill/core';
import { MongoDBDatabase } from '@waybill/mongodb';
import { PostgresDatabase } from '@waybill/postgres';
import { MongoClient } from 'mongodb';
import { Pool } from 'pg';
import type { OrderTotals } from './follow/order-totals.js';
import { orderTotals as mongodbTotals } from './mongodb/order-totals.js';
import { orderTotals as postgresTotals } from './postgres/order-totals.js';
import type { Address } from './shop.js';

export interface Connection {
  readonly database: Database;
  readonly totals: OrderTotals<unknown>;
  close(): Promise<void>;
}

/** The outbox at an address, in the process that was told of it. */
export function connectTo({ kind, url, database }: Address): Connection {
  if (kind === 'mongodb') {
    const client = new MongoClient(url);
    return {
      database: new MongoDBDatabase({ client, database }),
      totals: mongodbTotals(client.db(database)),
      close: () => client.close(),
    };
  }
  const pool = new Pool({ connectionString: url, max: 16 });
  pool.on('error', () => {}); // the database may go first
  return { database: new PostgresDatabase({ pool }), totals: postgresTotals(pool), close: () => pool.end() };
}
