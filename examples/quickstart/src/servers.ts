import { startEventStoreDB, startPostgres } from '@waybill/local-servers';

/** Servers to try things on: those that POSTGRES_URL and EVENTSTOREDB_URL name, or own ones, gone when this process is gone. */
export async function startServers(): Promise<{ readonly postgres: string; readonly eventstoredb: string; stop(): Promise<void> }> {
  const [postgres, eventstoredb] = await Promise.all([startPostgres(), startEventStoreDB()]);
  const stop = async (): Promise<void> => void (await Promise.all([postgres.stop(), eventstoredb.stop()]));
  return { postgres: await postgres.createDatabase(), eventstoredb: eventstoredb.url, stop };
}
