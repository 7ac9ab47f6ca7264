/** A program of its own, so that it can be killed: runs the dispatcher and tells its parent what happens. Ends when its parent is gone. */
import { EventStoreDB } from '@waybill/eventstoredb';
import { openFlights } from './composition/flights-on.js';
import type { DispatcherOrder, DispatcherReport, LanePlace } from './dispatcher-reports.js';
import type { FlightRoute } from './flights-application.js';

const { instance, leaseMs, eventstoredb, ...where } = JSON.parse(process.argv[2] ?? '') as DispatcherOrder;
const told = new AbortController();
process.once('message', () => told.abort()); // "stop"
process.once('disconnect', () => process.exit()); // the demo ended, by whatever death
process.on('SIGINT', () => {}); // a Ctrl-C is for the demo, which then ends this process

const eventstore = new EventStoreDB(eventstoredb);
const flights = openFlights(where);
const dispatcher = flights.dispatcher(eventstore, { instance, leaseMs });

dispatcher.on('lane-acquired', ({ takenOver, ...event }) => report({ kind: 'lane', place: place(event), takenOver }));
dispatcher.on('lane-released', (event) => report({ kind: 'lane-gone', place: place(event) }));
dispatcher.on('delivered', ({ count, ...event }) => report({ kind: 'delivered', place: place(event), count }));
dispatcher.on('waiting', (event) => report({ kind: 'trouble', what: `lane ${place(event)} waits: ${event.error.message}` }));
dispatcher.on('halted', (event) => report({ kind: 'halted', what: `lane ${place(event)} halted: ${event.error.message}` }));
dispatcher.on('lease-lost', (event) => {
  report({ kind: 'lane-gone', place: place(event) });
  report({ kind: 'trouble', what: `lane ${place(event)} was lost to another process` });
});
dispatcher.on('trouble', ({ doing, error }) => report({ kind: 'trouble', what: `${doing}: ${String(error)}` }));

await dispatcher.start();
report({ kind: 'started' });
if (!told.signal.aborted) await new Promise((resolve) => told.signal.addEventListener('abort', resolve, { once: true }));
await dispatcher.stop();
await eventstore.close();
await flights.close();
process.disconnect();

function report(message: DispatcherReport): void {
  if (process.connected) process.send?.(message);
}

function place({ route, lane }: { readonly route: FlightRoute; readonly lane: number }): LanePlace {
  return `${route}/${lane}`;
}
