import { Dispatcher, UnitOfWork } from '@waybill/core';
import { HttpSink } from '@waybill/http';
import { PostgresDatabase } from '@waybill/postgres';
import { escapeIdentifier, Pool } from 'pg';
import type { CustomerTotals } from '../customer-totals.js';
import { orderCatalogue as catalogue } from '../order-events.js';
import { SHOP } from '../order-source.js';
import { orderBook, orderBookTable } from './order-book.js';
import { shopTotals } from './shop-totals.js';

export interface ShopOptions {
  readonly postgres: string;
  /** The schema of the run: Waybill's tables and the shop's own. */
  readonly schema: string;
  /** The receiver's address. */
  readonly url: string;
  /** What requests are signed with, asked before each. */
  readonly secrets: () => readonly string[];
}

/** The sender: commits orders, and tells the receiver of them. */
export interface Shop {
  readonly unitOfWork: UnitOfWork;
  readonly dispatcher: Dispatcher<'webhooks'>;
  totals(): Promise<readonly CustomerTotals[]>;
  create(): Promise<void>;
  /** Removes what `create` made. */
  drop(): Promise<void>;
  close(): Promise<void>;
}

/** The receiver is away for a moment only: who looks seldom would be late. In earnest the defaults do. */
const IMPATIENT = { retry: { firstMs: 100, maxMs: 500 }, breaker: { openMs: 500 } };

export function openShop({ postgres, schema: name, url, secrets }: ShopOptions): Shop {
  const schema = escapeIdentifier(name);
  const pool = new Pool({ connectionString: postgres, max: 20 });
  pool.on('error', () => {}); // an idle connection was lost: the next query says so
  const database = new PostgresDatabase({ pool, schema: name });
  const unitOfWork = new UnitOfWork({ database, catalogue, projectors: [orderBook(schema)] });
  const { retry, breaker } = IMPATIENT;

  // #region send
  const sink = new HttpSink({
    source: SHOP,
    url,
    secrets,
    idempotent: true, // a Waybill receiver knows a message by its id
    policy: { breaker },
  });
  const dispatcher = new Dispatcher({ database, catalogue, routes: { webhooks: { sink, retry } } });
  // #endregion

  return {
    ...{ unitOfWork, dispatcher },
    totals: () => shopTotals(pool, schema),
    create: async () => {
      await database.migrate();
      await pool.query(orderBookTable(schema));
    },
    drop: async () => void (await pool.query(`drop schema if exists ${schema} cascade`)),
    close: () => pool.end(),
  };
}
