import { startEventStoreDB, startMongoDB, startPostgres } from '@waybill/local-servers';
import { rm, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseKind } from './composition/databases.js';
import type { DemoOptions } from './options.js';

export interface Servers {
  readonly url: string;
  readonly eventstoredb: string;
  /** The file of the payment service's books. */
  readonly ledger: string;
  /** One line for each server. */
  readonly descriptions: readonly string[];
  stop(): Promise<void>;
}

interface DatabaseServer {
  readonly url: string;
  readonly description: string;
  stop(): Promise<void>;
}

/** What a killed process's open transaction has locked, the server keeps so long; a MongoDB's default is a minute. */
const TRANSACTION_LIFETIME_SECONDS = 3;

/**
 * The servers of the demo: those that the options name, or own ones, which are gone when this process is gone.
 *
 * @param notice - is told what takes long
 * @throws Error one of them cannot be had; then none is left
 */
export async function startServers(
  options: Pick<DemoOptions, 'database' | 'postgres' | 'mongodb' | 'eventstoredb'>,
  notice: (line: string) => void,
): Promise<Servers> {
  const starting = {
    postgres: () => startPostgres({ url: options.postgres }),
    mongodb: () =>
      startMongoDB({
        url: options.mongodb,
        transactionLifetimeSeconds: TRANSACTION_LIFETIME_SECONDS,
        onDownload: () => notice('MongoDB is downloaded, once: this takes a minute ...'),
      }),
  } satisfies Record<DatabaseKind, () => Promise<DatabaseServer>>;
  const started = await Promise.allSettled([starting[options.database](), startEventStoreDB({ url: options.eventstoredb })]);
  const stopServers = async (): Promise<void> => {
    for (const server of started) if (server.status === 'fulfilled') await server.value.stop();
  };
  const [database, eventstoredb] = started;
  if (database.status === 'rejected' || eventstoredb.status === 'rejected') {
    await stopServers();
    throw database.status === 'rejected' ? database.reason : (eventstoredb as PromiseRejectedResult).reason;
  }
  const folder = await mkdtemp(join(tmpdir(), 'waybill-orders-'));
  return {
    url: database.value.url,
    eventstoredb: eventstoredb.value.url,
    ledger: join(folder, 'payments.jsonl'),
    descriptions: [database, eventstoredb].map(({ value }) => value.description.replace(/, as \w+_URL says$/, '')),
    stop: async () => {
      await stopServers();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
