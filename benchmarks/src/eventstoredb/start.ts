import { startEventStoreDB } from '@waybill/local-servers';
import type { Server } from '../suite.js';

/** The run's EventStoreDB, as its address: streams have names of their own, and nothing is cleared away. */
export async function startEmptyEventStoreDB(): Promise<Server<string>> {
  const server = await startEventStoreDB();
  return { description: server.description, within: (work) => work(server.url), stop: () => server.stop() };
}
