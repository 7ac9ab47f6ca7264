/** A program of its own, so that it can be killed: asks a payment provider for the money of orders. Ends when its parent is gone. */
import type { Database } from '@waybill/core';
import { PostgresDatabase } from '@waybill/postgres';
import { CrashPoints } from '@waybill/testing';
import { Pool } from 'pg';
import type { PayerOrder } from './payer-order.js';
import { payingDispatcher } from './paying.js';

const { postgres, lanes, run, killAt, ...order } = JSON.parse(process.argv[2] ?? '') as PayerOrder;
process.once('disconnect', () => process.exit());
const crash = new CrashPoints();
if (killAt) crash.killAt(killAt);
const database = new PostgresDatabase({ pool: new Pool({ connectionString: postgres }), lanes }) as unknown as Database;
await payingDispatcher(run, { ...order, database, reached: crash.reached }).start();
