import { EventStoreDB } from '@waybill/eventstoredb';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { delayChart } from './chart.js';
import { openFlights } from './composition/flights-on.js';
import { DemoProgram } from './demo-program.js';
import { EventStoreDBEvidence } from './eventstoredb-evidence.js';
import { figures } from './figures.js';
import { airportNames, flightFile, flightRecords } from './flight-records.js';
import type { FlightsApplication } from './flights-application.js';
import { demoOptions } from './options.js';
import { number } from './progress.js';
import { run } from './run.js';
import type { RunFigures } from './run.js';
import { seededRandom } from './seeded-random.js';
import { startServers } from './servers.js';
import type { DemoServers } from './servers.js';
import { stormyWeather } from './stormy-weather.js';
import { verify } from './verify.js';
import type { Verdict } from './verify.js';
import { writeFlights } from './write-flights.js';

const LEASE_MS = 2_000;

const options = demoOptions(process.argv);
const program = new DemoProgram();
const { screen, endings, stop } = program;

await program.run(demo);

async function demo(): Promise<boolean> {
  screen.print('', 'Waybill: real flights of 2001, on their way to EventStoreDB', '');
  const servers = await startServers(options, (line) => screen.print(`  ${line}`));
  endings.push(() => servers.stop());
  const opened = await open(servers, randomBytes(4).toString('hex'));

  const ran = await fly(servers, opened);
  screen.print('', '  Everything is delivered. Is it all there? Reading both sides, stream by stream ...', '');
  const { flights, evidence } = opened;
  const verdict = await verify(flights.evidence, evidence, { killedAt: ran.takeOver.killedAt, signal: stop.signal });
  screen.print(...figures(ran, verdict), '', '  Minutes of delay per departure, worst airports:', '');
  screen.print(...delayChart(await flights.evidence.board(), await airportNames()), '');
  const holds = judge(ran, verdict);
  if (options.serve) await untilInterrupted(servers, opened);
  return holds;
}

interface Opened {
  /** Part of every name in database and event store, so that runs do not meet. */
  readonly name: string;
  readonly flights: FlightsApplication;
  readonly eventstore: EventStoreDB;
  readonly evidence: EventStoreDBEvidence;
}

async function open(servers: DemoServers, name: string): Promise<Opened> {
  const evidence = await EventStoreDBEvidence.connect(servers.eventstoredb, `flight-${name}-`);
  endings.push(() => evidence.close());
  const flights = openFlights({ database: servers.database, databaseUrl: servers.databaseUrl, run: name });
  endings.push(() => flights.close());
  stop.signal.throwIfAborted();
  if (servers.databaseStays) {
    endings.push(() => {
      // A dispatcher that was killed in the middle of a transaction holds its locks until the server ends it.
      screen.print(`  Dropping ${flights.place}; on MongoDB that can wait for a minute after a kill.`);
      return flights.drop();
    });
  }
  await flights.create();
  const eventstore = new EventStoreDB(servers.eventstoredb);
  endings.push(() => eventstore.close());
  return { name, flights, eventstore, evidence };
}

async function fly(
  { database, databaseUrl, eventstoredb, descriptions }: DemoServers,
  { name, flights, eventstore }: Opened,
): Promise<RunFigures> {
  const { size, seed } = options;
  screen.print(...descriptions.map((description) => `  ${description}`));
  screen.print(`  ${number(size)} flights of ${flightFile(size)}, seed ${seed}; streams flight-${name}-0, -1, ...`);
  const random = seededRandom(seed);
  const unitOfWork = flights.unitOfWork(eventstore, stormyWeather(random));
  return run({
    ...{ size, screen, signal: stop.signal },
    order: { run: name, database, databaseUrl, eventstoredb, leaseMs: LEASE_MS },
    watch: flights.dispatcher(eventstore, { instance: 'the demo', leaseMs: LEASE_MS }),
    onStarted: (child) => endings.push(() => child.kill()),
    write: (progress, signal) =>
      writeFlights({
        ...{ records: flightRecords(size), unitOfWork, run: name, random, signal },
        onCommit: (events) => progress.committed(events),
        onRollback: () => (progress.rollbacks += 1),
      }),
  });
}

function judge({ progress }: RunFigures, { ok, streams, events, examples }: Verdict): boolean {
  const complete = streams === options.size && events === progress.events;
  if (!complete)
    screen.print(`  ✗ The writers were told that ${number(progress.events)} events of ${number(options.size)} flights are committed.`);
  if (!ok) screen.print('  ✗ This does not hold:', ...examples.map((example) => `    ${example}`), '');
  if (complete && ok) screen.print('  ✓ Every stream in EventStoreDB is what was committed; the delay board is what the events say.', '');
  return complete && ok;
}

async function untilInterrupted({ databaseUrl, eventstoredb }: DemoServers, { name, flights }: Opened): Promise<void> {
  screen.print('  The servers stay up until Ctrl-C:', `    ${databaseUrl}  (${flights.place})`);
  screen.print(`    ${eventstoredb}  (streams flight-${name}-0, -1, ...)`, '');
  const keepAlive = setInterval(() => {}, 60_000);
  await once(stop.signal, 'abort').finally(() => clearInterval(keepAlive));
}
