import {
  createReplicationSegmentMutexConcurrencyController,
  DatabaseSetup,
  getDisabledLogger,
  initializePollingMessageListener,
  initializeReplicationMessageListener,
} from 'pg-transactional-outbox';
import type { GeneralMessageHandler } from 'pg-transactional-outbox';
import type { Pool } from 'pg';
import { STREAMS } from '../backlog.js';
import type { Yardstick } from '../figure.js';
import { PAYLOAD } from '../order.js';
import { Tally } from '../tally.js';
import type { PostgresScratch } from './postgres-scratch.js';

const NAMES = {
  schema: 'public',
  table: 'outbox',
  listenerRole: 'postgres',
  outboxOrInbox: 'outbox',
  publication: 'waybill_bench',
  replicationSlot: 'waybill_bench',
  nextMessagesName: 'next_outbox_messages',
} as const;
const SETTINGS = {
  dbSchema: 'public',
  dbTable: 'outbox',
  enableMaxAttemptsProtection: false,
  enablePoisonousMessageProtection: false,
  messageCleanupIntervalInMs: 0,
};
// The fastest that we found: a message that meets another's row lock waits for the end of its own, and with large batches, or locks of
// less than a second, it hardly gets on. Its own strategy begins with batches of one, to find poison; nobody is poisonous here.
const BATCH = 20;
const LOCK_MS = 1_000;
const PATIENCE_MS = 30_000;

/** Both listeners, each with one segment a stream, so that they keep its order as lanes do. */
export async function drainPgTransactionalOutbox(scratch: PostgresScratch, messages: number): Promise<readonly Yardstick[]> {
  const logger = getDisabledLogger();
  const polling = await yardstick('pg-transactional-outbox, polling', messages, async (handler) => {
    const url = await scratch.url();
    const pool = await scratch.pool(2, url);
    const config = { ...NAMES, database: new URL(url).pathname.slice(1) };
    await pool.query(DatabaseSetup.dropAndCreateTable(config));
    await pool.query(DatabaseSetup.createPollingFunction(config));
    await pool.query(DatabaseSetup.setupPollingIndexes(config));
    await fill(pool, messages);
    const settings = {
      ...SETTINGS,
      nextMessagesFunctionSchema: 'public',
      nextMessagesFunctionName: NAMES.nextMessagesName,
      nextMessagesBatchSize: BATCH,
      nextMessagesLockInMs: LOCK_MS,
      nextMessagesPollingIntervalInMs: 10,
    };
    return () =>
      initializePollingMessageListener(
        { outboxOrInbox: 'outbox', dbListenerConfig: { connectionString: url }, settings },
        handler,
        logger,
        { batchSizeStrategy: async () => BATCH },
      );
  });
  const wal = await yardstick('pg-transactional-outbox, WAL', messages, async (handler) => {
    const url = await scratch.url();
    const pool = await scratch.pool(2, url);
    const config = { ...NAMES, database: new URL(url).pathname.slice(1) };
    await pool.query(DatabaseSetup.dropAndCreateTable(config));
    await pool.query(`create publication ${NAMES.publication} for table public.outbox with (publish = 'insert')`);
    await pool.query(`select pg_create_logical_replication_slot('${NAMES.replicationSlot}', 'pgoutput')`);
    await fill(pool, messages);
    const settings = { ...SETTINGS, dbPublication: NAMES.publication, dbReplicationSlot: NAMES.replicationSlot };
    const strategies = { concurrencyStrategy: createReplicationSegmentMutexConcurrencyController() };
    return () =>
      initializeReplicationMessageListener(
        { outboxOrInbox: 'outbox', dbListenerConfig: { connectionString: url }, settings },
        handler,
        logger,
        strategies,
      );
  });
  return [polling, wal];
}

async function fill(pool: Pool, messages: number): Promise<void> {
  await pool.query(
    `insert into public.outbox (id, aggregate_type, aggregate_id, message_type, segment, payload)
     select gen_random_uuid(), 'order', nth % $2::integer, 'OrderPlaced', 'order-' || nth % $2::integer, json_build_object('revision', nth / $2::integer, 'data', $3::json)
     from generate_series(0, $1::integer - 1) as nth`,
    [messages, STREAMS, JSON.stringify(PAYLOAD)],
  );
}

/** What cannot be measured is said in the table, not left out of it. */
async function yardstick(
  name: string,
  messages: number,
  prepare: (handler: GeneralMessageHandler) => Promise<() => [shutdown: () => Promise<void>]>,
): Promise<Yardstick> {
  const tally = new Tally();
  let finished = (): void => {};
  const done = new Promise<'done'>((resolve) => (finished = () => resolve('done')));
  const handler: GeneralMessageHandler = {
    handle: async ({ segment, payload }) => {
      tally.take(segment!, (payload as { revision: number }).revision);
      if (tally.taken === messages) finished();
    },
  };
  try {
    const listen = await prepare(handler);
    const startedAt = performance.now();
    const [shutdown] = listen();
    let impatience: NodeJS.Timeout | undefined;
    const gaveUp = new Promise<'gave up'>((resolve) => (impatience = setTimeout(() => resolve('gave up'), PATIENCE_MS)));
    await Promise.race([done, gaveUp]);
    clearTimeout(impatience);
    const value = (tally.taken / (performance.now() - startedAt)) * 1_000;
    await shutdown();
    return { name, value, verdict: tally.verdict(messages) };
  } catch (error) {
    return { name, verdict: { right: false, found: `could not be measured: ${String(error)}` } };
  }
}
