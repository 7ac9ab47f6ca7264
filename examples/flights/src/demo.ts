import { EventStoreDB } from '@waybill/eventstoredb';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { delayChart } from './chart.js';
import { openFlights } from './composition/flights-on.js';
import { EventStoreDBEvidence } from './eventstoredb-evidence.js';
import { figures } from './figures.js';
import { airportNames, flightFile, flightRecords } from './flight-records.js';
import { demoOptions } from './options.js';
import { number } from './progress.js';
import { run } from './run.js';
import { Screen } from './screen.js';
import { seededRandom } from './seeded-random.js';
import { startServers } from './servers.js';
import type { DemoServers } from './servers.js';
import { stormyWeather } from './stormy-weather.js';
import { verify } from './verify.js';
import { writeFlights } from './write-flights.js';

const LEASE_MS = 2_000;
const INTERRUPTED = 130;

const options = demoOptions(process.argv);
const screen = new Screen();
const endings: (() => Promise<void>)[] = []; // of what was opened; the last is ended first
const stop = new AbortController(); // Ctrl-C

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupt());

try {
  process.exitCode = (await demo()) ? 0 : 1;
} catch (error) {
  screen.print('', stop.signal.aborted ? '  Interrupted.' : `  The demo failed: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = stop.signal.aborted ? INTERRUPTED : 1;
}
for (let end = endings.pop(); end; end = endings.pop()) await end().catch((error: unknown) => screen.print(`  ! ${String(error)}`));

async function demo(): Promise<boolean> {
  const { size, seed, serve } = options;
  screen.print('', 'Waybill: real flights of 2001, on their way to EventStoreDB', '');
  const servers = await startServers(options);
  endings.push(() => servers.stop());
  const place = { run: randomBytes(4).toString('hex'), postgres: servers.postgres };
  const eventStoreEvidence = await EventStoreDBEvidence.connect(servers.eventstoredb, `flight-${place.run}-`);
  endings.push(() => eventStoreEvidence.close());
  const flights = openFlights(place);
  endings.push(() => flights.close());
  if (options.postgres) endings.push(() => flights.drop());
  stop.signal.throwIfAborted();
  await flights.create();
  const eventstore = new EventStoreDB(servers.eventstoredb);
  endings.push(() => eventstore.close());

  screen.print(...servers.descriptions.map((description) => `  ${description}`));
  screen.print(`  ${number(size)} flights of ${flightFile(size)}, seed ${seed}; streams flight-${place.run}-0, -1, ...`);
  const random = seededRandom(seed);
  const figuresOfRun = await run({
    size,
    screen,
    signal: stop.signal,
    order: { ...place, eventstoredb: servers.eventstoredb, leaseMs: LEASE_MS },
    watch: flights.dispatcher(eventstore, { instance: 'the demo', leaseMs: LEASE_MS }),
    onStarted: (child) => endings.push(() => child.kill()),
    write: (progress, signal) =>
      writeFlights({
        records: flightRecords(size),
        unitOfWork: flights.unitOfWork(eventstore, stormyWeather(random)),
        run: place.run,
        random,
        signal,
        onCommit: (events) => progress.committed(events),
        onRollback: () => (progress.rollbacks += 1),
      }),
  });

  screen.print('', '  Everything is delivered. Is it all there? Reading both sides, stream by stream ...', '');
  const verdict = await verify(flights.evidence, eventStoreEvidence, { killedAt: figuresOfRun.takeOver.killedAt, signal: stop.signal });
  screen.print(...figures(figuresOfRun, verdict), '', '  Minutes of delay per departure, worst airports:', '');
  screen.print(...delayChart(await flights.evidence.board(), await airportNames()), '');
  const complete = verdict.streams === size && verdict.events === figuresOfRun.progress.events;
  if (!complete) screen.print(`  ✗ The writers were told that ${figuresOfRun.progress.events} events of ${size} flights are committed.`);
  if (!verdict.ok) screen.print('  ✗ The two sides differ:', ...verdict.examples.map((example) => `    ${example}`), '');
  if (complete && verdict.ok) screen.print('  ✓ Every stream in EventStoreDB is what was committed; the delay board is what the events say.', '');
  if (serve) await untilInterrupted(servers);
  return complete && verdict.ok;
}

async function untilInterrupted({ postgres, eventstoredb }: DemoServers): Promise<void> {
  screen.print('  The servers stay up until Ctrl-C:', `    ${postgres}`, `    ${eventstoredb}`, '');
  const keepAlive = setInterval(() => {}, 60_000);
  await once(stop.signal, 'abort').finally(() => clearInterval(keepAlive));
}

function interrupt(): void {
  if (stop.signal.aborted) process.exit(INTERRUPTED); // a second Ctrl-C: the servers end with this process all the same
  stop.abort();
}
