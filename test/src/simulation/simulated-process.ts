import { isWaybillError } from '@waybill/core';
import type { Database, Dispatcher, DispatcherOptions } from '@waybill/core';
import { LeaseBeliefs } from './lease-beliefs.js';
import type { Caller } from './network.js';
import { overNetwork } from './over-network.js';
import { ProcessClock } from './process-clock.js';
import { SeededRandom } from './seeded-random.js';
import { MAX_BACKOFF_MS } from './setup.js';
import type { RouteSetup } from './setup.js';
import { simulatedSink } from './simulated-sink.js';
import type { Surroundings } from './surroundings.js';

const TOLD = [
  'lane-acquired',
  'lane-released',
  'lease-lost',
  'waiting',
  'halted',
  'stream-halted',
  'parked',
  'discarded',
  'resumed',
  'redriven',
  'outage',
  'recovered',
  'skipped',
  'order-refused',
  'trouble',
] as const;

/** More looks at the clock than any single step needs. */
const MOST_LOOKS = 5_000;

/** One process with a dispatcher in it. It may be killed, frozen, or lose its database at any step. */
export class SimulatedProcess implements Caller {
  readonly clock: ProcessClock;
  readonly beliefs: LeaseBeliefs;
  readonly dispatcher: Dispatcher;
  state: Caller['state'] = 'running';
  cutOff = false;
  /** True from the order to stop on. */
  isLeaving = false;
  #looks = 0;
  #frozenAt: number | undefined;
  #isSuspended = false;

  constructor(
    readonly name: string,
    private readonly world: Surroundings,
    wallSkewMs: number,
  ) {
    const { setup, time, network, database, watch } = world;
    this.clock = new ProcessClock(time, wallSkewMs, () => this.#checkSpin());
    this.beliefs = new LeaseBeliefs(this.clock, setup.leaseMs);
    const stores: Database = overNetwork({
      ...{ database, network, watch, caller: this, everyCallWaits: setup.everyCallWaits },
      now: () => this.beliefs.now(),
      onLeases: (leases, askedAt) => this.beliefs.believe(leases, askedAt),
    });
    const numbers = new SeededRandom(setup.seed, Number(name.slice(1)) + 10);
    this.dispatcher = new world.core.Dispatcher({
      ...{ database: stores, catalogue: [], instance: name, clock: this.clock, random: numbers.next },
      ...{ leaseMs: setup.leaseMs, pollMs: setup.pollMs, stopWithinMs: 2_000 },
      routes: Object.fromEntries(setup.routes.map((route) => [route.name, this.#routeOptions(route)])),
      ...(setup.pausesAtMoments && { reached: (moment) => network.pause(this, `stands after: ${moment}`) }),
    });
    for (const event of TOLD) this.dispatcher.on(event, (told: object) => world.tell(this, event, told));
  }

  /** The world has taken a step. */
  turned(): void {
    this.#looks = 0;
  }

  start(): void {
    this.dispatcher.start().catch((error: unknown) => {
      this.world.note(`${this.name} could not start: ${String(error)}`);
      if (!isWaybillError(error, 'DATABASE_UNAVAILABLE')) this.world.ledger.breaks('nothing fails that nobody planned', String(error));
      this.crash();
    });
  }

  /** Its timers never fire again and no answer reaches it. What it has sent may still arrive. */
  crash(): void {
    this.state = 'gone';
  }

  leave(): void {
    this.isLeaving = true;
    const left = (): void => void (this.state = 'gone');
    this.dispatcher
      .stop()
      .then(left, (error: unknown) => this.world.ledger.breaks('a stop ends and gives lanes back', `${this.name}: ${String(error)}`));
  }

  /** @param suspended - with its machine: the monotonic clock stands still, too */
  freeze(suspended: boolean): void {
    this.state = 'frozen';
    this.#frozenAt = this.world.time.ms;
    this.#isSuspended = suspended;
  }

  thaw(): void {
    if (this.#isSuspended) this.clock.suspended(this.world.time.ms - this.#frozenAt!);
    this.state = 'running';
  }

  /** True when somebody else holds a lane that it still believes to hold: it has lived through its own end. */
  isZombie(): boolean {
    return this.beliefs.all().some((lease) => this.world.watch.isStale(lease));
  }

  #routeOptions({ name, order, onFailure, prefix, needsWholeStreams, onlyOnce }: RouteSetup): DispatcherOptions['routes'][string] {
    const { attempts, batchSize } = this.world.setup;
    const kill = (): void => {
      if (this.state === 'gone') return;
      this.world.note(`${this.name} is killed by what it delivers`);
      this.crash();
    };
    const sink = simulatedSink({ name, needsWholeStreams, onlyOnce, process: this, beliefs: this.beliefs, kill }, this.world);
    return {
      ...{ order, onFailure, start: 'beginning', sink, batch: { size: batchSize } },
      ...(prefix !== undefined && { streams: [prefix] }),
      retry: { attempts, firstMs: 100, maxMs: MAX_BACKOFF_MS },
    };
  }

  /** Work without end and without a wait would stop the world, for no other step comes. */
  #checkSpin(): void {
    if (++this.#looks < MOST_LOOKS) return;
    this.world.ledger.breaks('nobody spins', `${this.name} works on and on in one step, and waits for nothing`);
    throw new Error('spins');
  }
}
