import type { PostgresDatabase, PostgresTx } from '@waybill/postgres';
import type { Pool } from 'pg';
import type { OrderTotals } from '../follow/order-totals.js';
import type { NaiveOutbox } from '../naive-outbox.js';
import { PAYLOAD } from '../order.js';
import type { ByHandInbox } from '../receive/by-hand-inbox.js';
import type { Address, Holdings, Shop } from '../shop.js';
import { BY_HAND_INBOX, byHandInbox } from './by-hand-inbox.js';
import { commitByHand } from './by-hand-outbox.js';
import { NAIVE_OUTBOX, naiveOutbox } from './naive-outbox.js';
import { INSERT_ORDER, ORDER_LIST } from './order-list.js';
import { ORDER_TOTALS, orderTotals, PLACE_BY_HAND } from './order-totals.js';

const HOLDINGS = `
  select
    (select count(*) from waybill.stream)::integer as heads,
    (select count(*) from waybill.outbox)::integer as messages,
    (select count(*) from public.order_list)::integer as listed,
    (select count(*) from waybill.stream as s join waybill.outbox as o using (stream, revision) join public.order_list as l on 'order-' || l.id = s.stream)::integer as whole`;

const TABLES = [ORDER_LIST, NAIVE_OUTBOX, BY_HAND_INBOX, ORDER_TOTALS, PLACE_BY_HAND, 'create table public.something_else (n integer)'];

/** A shop on PostgreSQL. */
export class PostgresShop implements Shop<PostgresTx> {
  readonly address: Address;
  readonly naive: NaiveOutbox;
  readonly inboxByHand: ByHandInbox;
  readonly totals: OrderTotals<PostgresTx>;
  #sent = 0;

  private constructor(
    readonly database: PostgresDatabase,
    private readonly pool: Pool,
    private readonly foreign: Pool,
  ) {
    const url = pool.options.connectionString!;
    this.address = { kind: 'postgres', url, database: new URL(url).pathname.slice(1) };
    this.naive = naiveOutbox(pool);
    this.inboxByHand = byHandInbox(pool);
    this.totals = orderTotals(pool);
  }

  static async open(database: PostgresDatabase, pool: Pool, foreign: Pool): Promise<PostgresShop> {
    await database.migrate();
    for (const table of TABLES) await pool.query(table);
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

  async claims(): Promise<number> {
    return (await this.pool.query<{ count: number }>('select count(*)::integer as count from waybill.inbox')).rows[0]!.count;
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
