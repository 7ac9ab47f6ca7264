import { startMongoDB, startPostgres } from '@waybill/local-servers';
import pg from 'pg';
import type { DatabaseKind, DatabasePlace } from './dispatcher-order.js';

/** A database server of the run's own: it is going to be ill-treated. */
export interface ChaosServer {
  readonly kind: DatabaseKind;
  readonly description: string;
  newDatabase(): Promise<DatabasePlace>;
  /** Ends it as a crash does, and resolves when it is back; absent where that cannot be done. */
  readonly restart?: () => Promise<void>;
  /** Whether a request is a commit, or a lane's settlement: by its bytes. */
  isCommit(request: Buffer): boolean;
  isSettlement(request: Buffer): boolean;
  stop(): Promise<void>;
}

/** The open transaction of a killed process stands in the way so long; MongoDB's own minute is too long to wait for. */
const TRANSACTION_LIFETIME_SECONDS = 2;

export const startServer = (kind: DatabaseKind): Promise<ChaosServer> => (kind === 'postgres' ? postgres() : mongodb());

async function postgres(): Promise<ChaosServer> {
  const server = await startPostgres();
  const isOurs = !process.env['POSTGRES_URL'];
  return {
    kind: 'postgres',
    description: server.description,
    newDatabase: async () => ({ kind: 'postgres', url: await server.createDatabase(), name: '' }),
    ...(isOurs && { restart: () => crash(server.url) }),
    isCommit: (request) => request.includes('commit\0'),
    isSettlement: (request) => request.includes('settle('),
    stop: () => server.stop(),
  };
}

/** PostgreSQL takes the sudden end of one of its processes for a crash: it ends all the others and recovers from its log. */
async function crash(url: string): Promise<void> {
  const victim = await connected(url);
  const { rows } = await victim.query<{ pid: number }>('select pg_backend_pid() as pid');
  const gone = new Promise((resolve) => victim.once('end', resolve));
  process.kill(rows[0]!.pid, 'SIGKILL');
  await gone;
  await (await connected(url)).end();
}

async function connected(url: string): Promise<pg.Client> {
  for (;;) {
    const client = new pg.Client({ connectionString: url });
    client.on('error', () => {});
    try {
      await client.connect();
      return client;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20)); // it is recovering
    }
  }
}

async function mongodb(): Promise<ChaosServer> {
  const server = await startMongoDB({ inProcess: true, transactionLifetimeSeconds: TRANSACTION_LIFETIME_SECONDS });
  const { emulator } = server;
  return {
    kind: 'mongodb',
    description: server.description,
    newDatabase: async () => ({ kind: 'mongodb', url: server.url, name: server.newDatabase() }),
    ...(emulator && {
      restart: async () => {
        await emulator.kill();
        await emulator.restart();
      },
    }),
    isCommit: (request) => request.includes('commitTransaction\0'),
    isSettlement: (request) => request.includes('_lanes\0') && request.includes('$set\0') && request.includes('position\0'),
    stop: () => server.stop(),
  };
}
