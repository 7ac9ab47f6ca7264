import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { LocalServerError } from './local-server-error.js';

const ATTEMPTS = 5;
const TAKEN = /bind|in use/i; // PostgreSQL: "could not bind", PgBouncer: "bind failed", Node: "address already in use"

/** Starts a server on a port that nobody held a moment ago; on another one if somebody was faster. */
export async function onFreePort<Server>(start: (port: number) => Promise<Server>): Promise<Server> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start(await freePort());
    } catch (error) {
      const taken = error instanceof LocalServerError && error.log.some((line) => TAKEN.test(line));
      if (!taken || attempt === ATTEMPTS) throw error;
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
