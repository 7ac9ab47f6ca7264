import { isWaybillError } from '@waybill/core';
import type { Database, Dispatcher, LaneLease, Sink } from '@waybill/core';
import { placeOf } from './ledger.js';
import type { Caller } from './network.js';
import { overNetwork } from './over-network.js';
import { ProcessClock } from './process-clock.js';
import { SeededRandom } from './seeded-random.js';
import { MAX_BACKOFF_MS } from './setup.js';
import type { RouteSetup } from './setup.js';
import type { World } from './world.js';

interface Instant {
  readonly monotonic: number;
  readonly wall: number;
}

const TOLD = [
  'lane-acquired',
  'lane-released',
  'lease-lost',
  'waiting',
  'halted',
  'resumed',
  'skipped',
  'order-refused',
  'trouble',
] as const;

/** More looks at the clock than any single step needs. */
const MOST_LOOKS = 5_000;

/** One process with a dispatcher in it. It may be killed, frozen, or lose its database at any step. */
export class SimulatedProcess implements Caller {
  readonly clock: ProcessClock;
  readonly dispatcher: Dispatcher;
  state: Caller['state'] = 'running';
  cutOff = false;
  /** True from the order to stop on. */
  isLeaving = false;
  readonly #deadlines = new Map<string, Instant>(); // by route, lane and epoch: until when its own clocks say that it holds the lane
  #believes: readonly LaneLease[] = []; // the newest lease of each lane that it was given
  #looks = 0;
  #frozenAt: number | undefined;
  #isSuspended = false;

  constructor(
    readonly name: string,
    private readonly world: World,
    wallSkewMs: number,
  ) {
    const { setup, time, network, database, watch } = world;
    this.clock = new ProcessClock(time, wallSkewMs, () => this.#checkSpin());
    const stores: Database = overNetwork({
      ...{ database, network, watch, caller: this, everyCallWaits: setup.everyCallWaits },
      now: () => this.#now(),
      onLeases: (leases, askedAt) => this.#believe(leases, askedAt),
    });
    const numbers = new SeededRandom(setup.seed, Number(name.slice(1)) + 10);
    this.dispatcher = new world.core.Dispatcher({
      ...{ database: stores, catalogue: [], instance: name, clock: this.clock, random: numbers.next },
      ...{ leaseMs: setup.leaseMs, pollMs: setup.pollMs, stopWithinMs: 2_000 },
      routes: Object.fromEntries(setup.routes.map((route) => [route.name, this.#routeOptions(route)])),
      ...(setup.pausesAtMoments && { reached: (moment) => network.pause(this, `stands after: ${moment}`) }),
    });
    for (const event of TOLD) this.dispatcher.on(event, (told) => world.tell(this, event, told));
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
    return this.#believes.some((lease) => this.world.watch.isStale(lease));
  }

  /** By its own clocks. */
  believesToHold(lease: Pick<LaneLease, 'route' | 'lane' | 'epoch'>): boolean {
    const deadline = this.#deadlines.get(keyOf(lease));
    const { monotonic, wall } = this.#now();
    return deadline !== undefined && monotonic < deadline.monotonic && wall < deadline.wall;
  }

  #believe(leases: readonly LaneLease[], askedAt: Instant): void {
    const { leaseMs } = this.world.setup;
    const deadline = { monotonic: askedAt.monotonic + leaseMs, wall: askedAt.wall + leaseMs };
    for (const lease of leases) this.#deadlines.set(keyOf(lease), deadline);
    const same = (lease: LaneLease): boolean => leases.some(({ route, lane }) => route === lease.route && lane === lease.lane);
    this.#believes = [...this.#believes.filter((lease) => !same(lease)), ...leases];
  }

  #now(): Instant {
    return { monotonic: this.clock.monotonic(), wall: this.clock.now().getTime() };
  }

  #routeOptions({
    name,
    order,
    onFailure,
    prefix,
    needsWholeStreams,
  }: RouteSetup): ConstructorParameters<typeof Dispatcher>[0]['routes'][string] {
    const { attempts, batchSize } = this.world.setup;
    return {
      ...{ order, onFailure, start: 'beginning', sink: this.#sink(name, needsWholeStreams), batch: { size: batchSize } },
      ...(prefix !== undefined && { streams: [prefix] }),
      retry: { attempts, firstMs: 100, maxMs: MAX_BACKOFF_MS },
    };
  }

  #sink(name: string, needsWholeStreams: boolean): Sink {
    const { network, setup, ledger } = this.world;
    const target = this.world.targets.get(name)!;
    return {
      needsWholeStreams,
      deliver: (batch, { route, lane, epoch, signal }) => {
        this.#checkDeadline({ route, lane, epoch });
        const what = `deliver ${route}/${lane}`;
        this.world.note(`${this.name} sends ${batch.map(placeOf).join(', ')} to ${route}`);
        const kill = (): void => {
          if (this.state === 'gone') return;
          this.world.note(`${this.name} is killed by what it delivers`);
          this.crash();
        };
        const asked = network.request(this, 'sink', what, (fate) => target.take(batch, fate, kill));
        if (!setup.sinksHeedAborts) return asked;
        const givenUp = new Promise<never>((_resolve, reject) => {
          const giveUp = (): void => {
            ledger.routes.get(route)!.unavailable(batch[0]!.id);
            reject(new Error('the sink gave up'));
          };
          if (signal.aborted) giveUp();
          else signal.addEventListener('abort', giveUp, { once: true });
        });
        return Promise.race([asked, givenUp]);
      },
    };
  }

  /** Work without end and without a wait would stop the world, for no other step comes. */
  #checkSpin(): void {
    if (++this.#looks < MOST_LOOKS) return;
    this.world.ledger.breaks('nobody spins', `${this.name} works on and on in one step, and waits for nothing`);
    throw new Error('spins');
  }

  #checkDeadline(lease: Pick<LaneLease, 'route' | 'lane' | 'epoch'>): void {
    if (this.believesToHold(lease)) return;
    const deadline = this.#deadlines.get(keyOf(lease));
    const { monotonic, wall } = this.#now();
    const late = deadline && Math.max(monotonic - deadline.monotonic, wall - deadline.wall);
    this.world.ledger.breaks(
      'one deliverer by its own clocks',
      `${this.name} called the sink of ${lease.route}/${lease.lane} ${late ?? '?'} ms after its lease was over by its own clocks`,
    );
  }
}

const keyOf = ({ route, lane, epoch }: Pick<LaneLease, 'route' | 'lane' | 'epoch'>): string => `${route}/${lane}@${epoch}`;
