import type { PostgresDatabase, PostgresTx } from '@waybill/postgres';
import type { Pool } from 'pg';
import type { NaiveOutbox } from '../naive-outbox.js';
import { PAYLOAD } from '../order.js';
import type { Address, Holdings, Shop } from '../shop.js';
import { commitByHand } from './by-hand-outbox.js';
import { NAIVE_OUTBOX, naiveOutbox } from './naive-outbox.js';
import { INSERT_ORDER, ORDER_LIST } from './order-list.js';

const HOLDINGS = `
  select
    (select count(*) from waybill.stream)::integer as heads,
    (select count(*) from waybill.outbox)::integer as messages,
    (select count(*) from public.order_list)::integer as listed,
    (select count(*) from waybill.stream as s join waybill.outbox as o using (stream, revision) join public.order_list as l on 'order-' || l.id = s.stream)::integer as whole`;

/** A shop on PostgreSQL. */
export class PostgresShop implements Shop<PostgresTx> {
  readonly address: Address;
  readonly naive: NaiveOutbox;
  #sent = 0;

  private constructor(
    readonly database: PostgresDatabase,
    private readonly pool: Pool,
    private readonly foreign: Pool,
  ) {
    const url = pool.options.connectionString!;
    this.address = { kind: 'postgres', url, database: new URL(url).pathname.slice(1) };
    this.naive = naiveOutbox(pool);
  }

  static async open(database: PostgresDatabase, pool: Pool, foreign: Pool): Promise<PostgresShop> {
    await database.migrate();
    for (const table of [ORDER_LIST, NAIVE_OUTBOX, 'create table public.something_else (n integer)']) await pool.query(table);
    const shop = new PostgresShop(database, pool, foreign);
    pool.on('acquire', () => shop.#sent++); // outside transactions, each statement takes a connection
    return shop;
  }

  async insertOrder(id: string, tx: PostgresTx): Promise<unknown> {
    return tx.query(INSERT_ORDER, [id, PAYLOAD.customerId, PAYLOAD.totalCents]);
  }

  commitByHand(id: string): Promise<void> {
    return commitByHand(this.pool, id);
  }

  async holdings(): Promise<Holdings> {
    return (await this.pool.query<Record<keyof Holdings, number>>(HOLDINGS)).rows[0]!;
  }

  sent(): number {
    return this.#sent;
  }

  async commitSomethingElse(): Promise<unknown> {
    return this.foreign.query('insert into public.something_else values (1)');
  }

  async tidy(): Promise<void> {
    await this.pool.query('vacuum analyze waybill.outbox');
  }
}
