import { startEventStoreDB, startMongoDB, startPostgres } from '@waybill/local-servers';
import type { DatabaseKind, DatabasePlace } from './composition/flights-on.js';
import type { DemoOptions } from './options.js';

export interface DemoServers extends Omit<DatabasePlace, 'run'> {
  readonly eventstoredb: string;
  /** The database server was here before and stays: what the run made in it is to be removed. */
  readonly databaseStays: boolean;
  /** One line for each. */
  readonly descriptions: readonly string[];
  stop(): Promise<void>;
}

/** A killed process's open transaction keeps its locks so long; a MongoDB's default is a minute. */
const TRANSACTION_LIFETIME_SECONDS = 10;

interface DatabaseServer {
  readonly url: string;
  readonly description: string;
  stop(): Promise<void>;
}

/**
 * The servers of the demo: those that the options name, or own ones, which are gone when this process is gone.
 *
 * @param notice - is told what takes long
 * @throws Error one of them cannot be had; then none is left
 */
export async function startServers(options: DemoOptions, notice: (line: string) => void): Promise<DemoServers> {
  const { database } = options;
  const starting = {
    postgres: () => startPostgres({ url: options.postgres }),
    mongodb: () =>
      startMongoDB({
        url: options.mongodb,
        transactionLifetimeSeconds: TRANSACTION_LIFETIME_SECONDS,
        onDownload: () => notice('MongoDB is downloaded, once: this takes a minute ...'),
      }),
  } satisfies Record<DatabaseKind, () => Promise<DatabaseServer>>;
  const named = { postgres: options.postgres ?? process.env['POSTGRES_URL'], mongodb: options.mongodb ?? process.env['MONGODB_URL'] };

  const started = await Promise.allSettled([starting[database](), startEventStoreDB({ url: options.eventstoredb })]);
  const stop = async (): Promise<void> => {
    for (const server of started) if (server.status === 'fulfilled') await server.value.stop();
  };
  const [databaseServer, eventstoredb] = started;
  if (databaseServer.status === 'fulfilled' && eventstoredb.status === 'fulfilled') {
    return {
      database,
      databaseUrl: databaseServer.value.url,
      eventstoredb: eventstoredb.value.url,
      databaseStays: Boolean(named[database]),
      descriptions: [databaseServer, eventstoredb].map(({ value }) => value.description.replace(/, as \w+_URL says$/, '')),
      stop,
    };
  }
  await stop();
  throw databaseServer.status === 'rejected' ? databaseServer.reason : (eventstoredb as PromiseRejectedResult).reason;
}
