import { EventStoreDBClient, jsonEvent } from '@eventstore/db-client';
import { EventStoreDBEmulator } from '@waybill/eventstoredb-emulator';

/** The server that all conformance suites of one run share. */
export interface ServerUnderTest {
  readonly url: string;
  /** One for the whole process: two clients reject each other's appends when one of them fails. */
  readonly client: EventStoreDBClient;
  /** Missing when the run was given a server by URL: it cannot be restarted, or told to fail. */
  readonly emulator?: EventStoreDBEmulator;
}

const URL_GIVEN = process.env['EVENTSTOREDB_URL'];
let starting: Promise<ServerUnderTest> | undefined;

/** The server at EVENTSTOREDB_URL, or an emulator of our own. Its streams are shared: take names from {@link newStream}. */
export function serverUnderTest(): Promise<ServerUnderTest> {
  starting ??= start();
  return starting;
}

/** A suite for things that only a server of ours can be made to do. Says so where it is left out. */
export function describeOnEmulator(title: string, suite: () => void): void {
  if (URL_GIVEN === undefined) describe(title, suite);
  else console.log(`  not tested on ${new URL(URL_GIVEN).host}: "${title}" needs the emulator (unset EVENTSTOREDB_URL)`);
}

/** A single test of that sort. */
export function itOnEmulator(title: string, test: () => Promise<void>): void {
  if (URL_GIVEN === undefined) it(title, test);
  else console.log(`  not tested on ${new URL(URL_GIVEN).host}: "${title}" needs the emulator (unset EVENTSTOREDB_URL)`);
}

/** Kills and restarts the emulator, and comes back once the client has found it again. */
export async function restart({ emulator, client }: ServerUnderTest): Promise<void> {
  await emulator!.restart();
  await reconnected(client);
}

/** Generation and release of the server as one number: 23.1 for 23.10.8, 24.02 for 24.2.0. */
export async function versionOf(client: EventStoreDBClient): Promise<number> {
  const [generation, release] = (await client['capabilities']).serverVersion.split('.');
  return Number(generation) + Number(release) / 100;
}

/** Appends alone until one gets through: after a reconnect the client stores the first of several appends last. */
export async function reconnected(client: EventStoreDBClient): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      await client.appendToStream(newStream('reconnected'), jsonEvent({ type: 'Reconnected', data: {} }));
      return;
    } catch (error) {
      if (attempt === 20) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

let streams = 0;
const run = Math.random().toString(36).slice(2, 8);

/** A stream name that nobody else has, on a server that has seen earlier runs as well. */
export function newStream(prefix = 'stream'): string {
  streams += 1;
  return `${prefix}-${run}-${streams}`;
}

after(async () => {
  const server = await starting;
  await server?.client.dispose();
  await server?.emulator?.stop();
});

async function start(): Promise<ServerUnderTest> {
  if (URL_GIVEN !== undefined) {
    console.log(`    with the EventStoreDB at ${new URL(URL_GIVEN).host}, as EVENTSTOREDB_URL says`);
    return { url: URL_GIVEN, client: EventStoreDBClient.connectionString(URL_GIVEN) };
  }
  const emulator = await EventStoreDBEmulator.start();
  return { url: emulator.connectionString, client: EventStoreDBClient.connectionString(emulator.connectionString), emulator };
}
