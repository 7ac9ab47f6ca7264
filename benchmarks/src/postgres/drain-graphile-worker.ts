import { Logger, runMigrations, runTaskList } from 'graphile-worker';
import type { Pool } from 'pg';
import { STREAMS } from '../backlog.js';
import type { Drained } from '../drain-once.js';
import { PAYLOAD } from '../order.js';
import { Tally } from '../tally.js';

/** At once. More was slower here; its jobs without a queue name have no order among each other, which is how it is fastest. */
const CONCURRENCY = 16;

const logger = new Logger(() => () => {});

export async function fillGraphileWorker(pool: Pool, jobs: number): Promise<void> {
  await runMigrations({ pgPool: pool, logger });
  await pool.query(
    `select count(*) from graphile_worker.add_jobs(array(
      select row('deliver', json_build_object('stream', 'order-' || nth % $2::integer, 'revision', nth / $2::integer, 'data', $3::json), null, null, null, null, null, null)::graphile_worker.job_spec
      from generate_series(0, $1::integer - 1) as nth
    ))`,
    [jobs, STREAMS, JSON.stringify(PAYLOAD)],
  );
  await pool.query('analyze');
}

export async function drainGraphileWorker(pool: Pool, jobs: number): Promise<Drained> {
  const tally = new Tally();
  let finished = (): void => {};
  const done = new Promise<void>((resolve) => (finished = resolve));
  const startedAt = performance.now();
  const workers = runTaskList(
    { concurrency: CONCURRENCY, noHandleSignals: true, logger },
    {
      deliver: async (payload) => {
        const { stream, revision } = payload as { stream: string; revision: number };
        tally.take(stream, revision);
        if (tally.taken === jobs) finished();
      },
    },
    pool,
  );
  await done;
  const rate = (jobs / (performance.now() - startedAt)) * 1_000;
  await workers.gracefulShutdown();
  return { tally, rate };
}
