import type { Checkpoint } from '@waybill/core';
import { fill } from './backlog.js';
import { atMost } from './figure.js';
import type { Figure } from './figure.js';
import type { Scratch } from './scratch.js';
import type { Sizes } from './sizes.js';
import { quantile } from './statistics.js';

const ROUTE = 'read';

/** Every page of every lane of a route that has delivered most of a large outbox; the first page of a lane opens its window. */
export async function read<Tx>({ deliveredRows, pendingRows }: Sizes, scratch: Scratch<Tx>): Promise<readonly Figure[]> {
  const shop = await scratch.shop();
  const { database } = shop;
  await fill(database, deliveredRows, { prefix: 'delivered' });
  // What has begun now has delivered all that there is: the same places as of a route that did.
  await database.routes.save({ name: ROUTE, order: 'stream', selection: {}, start: 'now' });
  await fill(database, pendingRows, { prefix: 'pending' });
  await shop.tidy();

  const figures: Figure[] = [];
  const grants = await database.leases.acquire({ route: ROUTE, owner: 'benchmark', leaseMs: 3_600_000, most: 1_000 });
  for (const limit of [100, 500]) {
    const times: number[] = [];
    let [rows, delivered] = [0, 0];
    for (const { lease, progress } of grants) {
      for (let after: Checkpoint = progress.checkpoint; ;) {
        const startedAt = performance.now();
        const page = await database.lanes.read({ route: ROUTE, lane: lease.lane, order: 'stream', selection: {}, after, limit });
        times.push(performance.now() - startedAt);
        if (page.rows.length === 0) break;
        rows += page.rows.length;
        delivered += page.rows.filter(({ stream }) => !stream.startsWith('pending-')).length;
        after = page.through;
      }
    }
    const p99 = quantile(times, 0.99);
    figures.push({
      section: 'read',
      name: `one read of ${limit}, ${deliveredRows} delivered + ${pendingRows} pending, p99`,
      unit: 'ms',
      ours: p99,
      target: atMost(5, p99, '<= 5 ms'),
      verdict: {
        right: rows === pendingRows && delivered === 0,
        found: `${rows} of ${pendingRows} rows in ${times.length} reads, p50 ${quantile(times, 0.5).toFixed(1)} ms, slowest ${Math.max(...times).toFixed(1)} ms`,
      },
    });
  }
  return figures;
}
