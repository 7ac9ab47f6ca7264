import {
  startEventStoreDB,
  startMongoDB,
  startPgBouncer,
  startPostgres,
  type LocalEventStoreDB,
  type LocalMongoDB,
  type LocalPgBouncer,
  type LocalPostgres,
} from '@waybill/local-servers';

/** One server of a kind per test run, started when the first test asks for it, stopped by the root hook in `hooks.ts`. */
let postgres: Promise<LocalPostgres> | undefined;
let pgBouncer: Promise<LocalPgBouncer | undefined> | undefined;
let mongoDB: Promise<LocalMongoDB> | undefined;
let eventStore: Promise<LocalEventStoreDB> | undefined;

/** The URL of a new, empty PostgreSQL database: one per suite. */
export async function postgresDatabase(): Promise<string> {
  postgres ??= told(startPostgres());
  return (await postgres).createDatabase();
}

/** The same database through PgBouncer in transaction mode, or `undefined` where no PgBouncer is installed. */
export async function throughPgBouncer(databaseUrl: string): Promise<string | undefined> {
  pgBouncer ??= told(startPgBouncer(databaseUrl));
  return (await pgBouncer)?.through(databaseUrl);
}

/** A MongoDB database: where it is, and its name. */
export interface MongoDBDatabase {
  readonly url: string;
  readonly database: string;
}

/** A new, empty MongoDB database: one per suite. */
export async function mongodbDatabase(): Promise<MongoDBDatabase> {
  const server = await mongodb();
  return { url: server.url, database: server.newDatabase() };
}

/** The run's MongoDB, to ask which kind it is. It is everybody's: who wants to stop it, or to hold it up, starts another one. */
export async function mongodb(): Promise<LocalMongoDB> {
  mongoDB ??= told(startMongoDB({ inProcess: true }));
  return mongoDB;
}

/** The `esdb://` address of the run's EventStoreDB. All suites share its streams: name yours apart. */
export async function eventStoreDB(): Promise<string> {
  eventStore ??= told(startEventStoreDB());
  return (await eventStore).url;
}

export async function stopServers(): Promise<void> {
  const started = await Promise.allSettled([pgBouncer, postgres, mongoDB, eventStore]);
  for (const server of started) if (server.status === 'fulfilled') await server.value?.stop();
}

async function told<Server extends { description: string } | undefined>(starting: Promise<Server>): Promise<Server> {
  const server = await starting;
  console.log(server ? `    with ${server.description}` : '    without PgBouncer: none is installed (Debian: apt-get install pgbouncer)');
  return server;
}
