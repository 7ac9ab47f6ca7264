/** A program of its own, so that it can be killed: asks a payment provider for the money of orders. Ends when its parent is gone. */
import type { Database } from '@waybill/core';
import { MongoDBDatabase } from '@waybill/mongodb';
import { PostgresDatabase } from '@waybill/postgres';
import { CrashPoints } from '@waybill/testing';
import { MongoClient } from 'mongodb';
import { Pool } from 'pg';
import type { PayerOrder } from './payer-order.js';
import { payingDispatcher } from './paying.js';

const { at, lanes, run, killAt, ...order } = JSON.parse(process.argv[2] ?? '') as PayerOrder;
process.once('disconnect', () => process.exit());
const crash = new CrashPoints();
if (killAt) crash.killAt(killAt);
const database: unknown =
  typeof at === 'string'
    ? new PostgresDatabase({ pool: new Pool({ connectionString: at }), lanes })
    : new MongoDBDatabase({ client: new MongoClient(at.url), database: at.database, lanes });
await payingDispatcher(run, { ...order, database: database as Database, reached: crash.reached }).start();
