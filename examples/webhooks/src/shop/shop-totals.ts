import type { Pool } from 'pg';
import type { CustomerTotals } from '../customer-totals.js';

/** What the shop's own table says, by plain SQL. */
export async function shopTotals(pool: Pool, schema: string): Promise<readonly CustomerTotals[]> {
  const { rows } = await pool.query<CustomerTotals>(`
    select customer_id as "customerId", count(*)::int as orders, sum(messages)::int as messages, sum(total_cents)::float8 as "totalCents"
    from ${schema}.order_book
    group by customer_id`);
  return rows;
}
