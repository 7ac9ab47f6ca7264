import { startEventStoreDB, startPostgres } from '@waybill/local-servers';
import type { DemoOptions } from './options.js';

export interface DemoServers {
  readonly postgres: string;
  readonly eventstoredb: string;
  /** The database server was here before and stays: what the run made in it is to be removed. */
  readonly databaseStays: boolean;
  /** One line for each. */
  readonly descriptions: readonly string[];
  stop(): Promise<void>;
}

/**
 * The servers of the demo: those that the options name, or own ones, which are gone when this process is gone.
 *
 * @throws Error one of them cannot be had; then none is left
 */
export async function startServers(options: Pick<DemoOptions, 'postgres' | 'eventstoredb'>): Promise<DemoServers> {
  const started = await Promise.allSettled([startPostgres({ url: options.postgres }), startEventStoreDB({ url: options.eventstoredb })]);
  const stop = async (): Promise<void> => {
    for (const server of started) if (server.status === 'fulfilled') await server.value.stop();
  };
  const [postgres, eventstoredb] = started;
  if (postgres.status === 'fulfilled' && eventstoredb.status === 'fulfilled') {
    return {
      postgres: postgres.value.url,
      eventstoredb: eventstoredb.value.url,
      databaseStays: Boolean(options.postgres ?? process.env['POSTGRES_URL']),
      descriptions: [postgres, eventstoredb].map(({ value }) => value.description.replace(/, as \w+_URL says$/, '')),
      stop,
    };
  }
  await stop();
  throw postgres.status === 'rejected' ? postgres.reason : (eventstoredb as PromiseRejectedResult).reason;
}
