import { UnitOfWork } from '@waybill/core';
import { PostgresDatabase } from '@waybill/postgres';
import type { Pool } from 'pg';
import { commitByHand } from './by-hand-outbox.js';
import { atLeast } from './figure.js';
import type { Figure, Verdict } from './figure.js';
import { commitNaively, naiveTable } from './naive-outbox.js';
import { Order, OrderPlaced, orderList, orderListTable } from './order.js';
import { inTurn } from './rounds.js';
import type { Scratch } from './scratch.js';
import { rateOf } from './side-by-side.js';
import type { Sizes } from './sizes.js';

const AT_ONCE = 16;

/** One new stream, one event, one row of a read model in each transaction; 16 at once on a pool of 16. */
export async function commit({ rounds, commits }: Sizes, scratch: Scratch): Promise<readonly Figure[]> {
  const pool = await scratch.pool(AT_ONCE);
  const ours = new PostgresDatabase({ pool, schema: 'waybill' });
  await ours.migrate();
  await new PostgresDatabase({ pool, schema: 'by_hand' }).migrate(); // the same head, rows and indexes
  await pool.query('create schema naive');
  await pool.query(naiveTable('naive'));
  for (const schema of ['waybill', 'by_hand', 'naive']) await pool.query(orderListTable(schema));

  const unitOfWork = new UnitOfWork({ database: ours, catalogue: [OrderPlaced], projectors: [orderList('waybill')] });
  const [byHand, naive] = [commitByHand(pool, 'by_hand'), commitNaively(pool, 'naive')];
  let round = 0;
  const many = (act: (id: string) => Promise<unknown>) => async () => {
    const run = String(round++);
    return rateOf(commits, AT_ONCE, (nth) => act(`${run}-${nth}`));
  };
  const result = await inTurn(rounds, {
    ours: many((id) => unitOfWork.run(async ({ track }) => void track(new Order(id).place()))),
    byHand: many(byHand),
    naive: many(naive),
  });

  const expected = commits * (rounds + 1);
  const verdict = await agree(pool, 'waybill', expected);
  const line = { section: 'commit', unit: 'commits/s', ours: result.rate('ours'), verdict } as const;
  const [toByHand, toNaive] = [result.ratio('ours', 'byHand'), result.ratio('ours', 'naive')];
  return [
    {
      ...line,
      name: 'projection + event, 16 at once',
      yardstick: { name: 'the same by hand', value: result.rate('byHand'), verdict: await agree(pool, 'by_hand', expected) },
      ratio: toByHand,
      target: atLeast(0.95, toByHand),
    },
    {
      ...line,
      name: 'projection + event, 16 at once',
      yardstick: { name: 'naive outbox', value: result.rate('naive'), verdict: await naiveRows(pool, expected) },
      ratio: toNaive,
      target: atLeast(0.7, toNaive),
    },
  ];
}

/** Every head, every row and every projection is there, once, and they name each other. */
async function agree(pool: Pool, schema: string, expected: number): Promise<Verdict> {
  const { rows } = await pool.query<Record<'heads' | 'messages' | 'listed' | 'whole', number>>(`
    select
      (select count(*) from ${schema}.stream)::integer as heads,
      (select count(*) from ${schema}.outbox)::integer as messages,
      (select count(*) from ${schema}.order_list)::integer as listed,
      (select count(*) from ${schema}.stream as s join ${schema}.outbox as o using (stream, revision) join ${schema}.order_list as l on 'order-' || l.id = s.stream)::integer as whole`);
  const { heads, messages, listed, whole } = rows[0]!;
  const right = [heads, messages, listed, whole].every((count) => count === expected);
  return {
    right,
    found: right
      ? `${expected} heads, rows and projections agree`
      : `of ${expected}: ${heads} heads, ${messages} rows, ${listed} projections, ${whole} agree`,
  };
}

async function naiveRows(pool: Pool, expected: number): Promise<Verdict> {
  const { rows } = await pool.query<{ messages: number }>('select count(*)::integer as messages from naive.naive_outbox');
  return { right: rows[0]!.messages === expected, found: `${rows[0]!.messages} rows; see the race for its reader` };
}
