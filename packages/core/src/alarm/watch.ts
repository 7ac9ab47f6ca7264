import { delay, systemClock } from '../clock.js';
import type { Clock } from '../clock.js';
import type { DispatcherEvent } from '../dispatcher/dispatcher-events.js';
import { InvalidOptionsError } from '../errors.js';
import { silentLogger } from '../logger.js';
import type { Logger } from '../logger.js';
import type { StoredLane } from '../outbox/delivery-status.js';
import type { Alarms } from './alarms.js';
import { conditionsOf } from './conditions.js';
import type { Condition, Patience } from './conditions.js';
import { lookAtOutbox } from './outbox-look.js';
import type { WatchedStores } from './outbox-look.js';

export interface WatchOptions extends Partial<Patience> {
  readonly database: WatchedStores;
  readonly alarms: Pick<Alarms, 'raise' | 'settle'>;
  /** Name of the dispatcher that watches: it tells of its own lanes, and of those that nobody holds. Without one, all lanes are told of. */
  readonly instance?: string;
  /** Time between two looks, in milliseconds. Default 10,000. Longer where looking takes long, so that it never is more than a tenth of the time. */
  readonly everyMs?: number;
  readonly clock?: Clock;
  readonly logger?: Logger;
}

/** What lasts, and since when. */
interface Lasting {
  readonly condition: Condition;
  readonly since: Date;
  readonly sinceMs: number;
}

const LOOK_WITHIN_MS = 30_000;

/**
 * Looks at the outbox from outside and raises what no lane can say of itself: messages wait and no dispatcher is alive, a route that nobody
 * runs, a lane that is held and does not move, a sink that is away. Settles what is over.
 *
 * Works in any process, also in one that only writes. Processes do not agree on who tells: two that watch may both tell it, with the same key.
 */
export class Watch {
  readonly #options: WatchOptions & Required<Patience & Pick<WatchOptions, 'everyMs' | 'clock' | 'logger'>>;
  #lasting: ReadonlyMap<string, Lasting> = new Map();
  /** Lanes that were delivered from since the last look. */
  #moved = new Set<string>();
  #looking: Promise<void> | undefined;
  #running: { readonly stop: AbortController; readonly ended: Promise<void> } | undefined;

  /** @throws {@link InvalidOptionsError} a time that cannot work */
  constructor(options: WatchOptions) {
    const { everyMs = 10_000, graceMs = 30_000, stuckAfterMs = 60_000, outageAfterMs = 120_000, abandonedAfterMs = 3_600_000 } = options;
    const times = { everyMs, graceMs, stuckAfterMs, outageAfterMs, abandonedAfterMs };
    for (const [name, value] of Object.entries(times)) {
      const least = name === 'everyMs' ? 10 : 0;
      if (!(value >= least)) throw new InvalidOptionsError(`${name} of a watch is ${value}; it must be at least ${least} milliseconds.`);
    }
    this.#options = { ...options, ...times, clock: options.clock ?? systemClock, logger: options.logger ?? silentLogger };
  }

  /** Looks at once, and then again and again. Idempotent. */
  start(): void {
    if (this.#running) return;
    const stop = new AbortController();
    this.#running = { stop, ended: this.#run(stop.signal) };
  }

  /**
   * Takes note of what a dispatcher of this process has delivered. From outside, a lane that moves can look as if it stood: where as many
   * messages come in as go, and the oldest were all committed at once.
   */
  hear({ name, event }: DispatcherEvent): void {
    if (name === 'delivered') this.#moved.add(placeOf(event));
  }

  /** Looks no more; a look that is under way is left to itself, and tells nothing. Idempotent. */
  async stop(): Promise<void> {
    const running = this.#running;
    running?.stop.abort();
    await running?.ended;
    if (this.#running === running) this.#running = undefined;
  }

  async #run(stopping: AbortSignal): Promise<void> {
    const { clock, everyMs, logger } = this.#options;
    while (!stopping.aborted) {
      const beganAt = clock.monotonic();
      // A look that never ends is not repeated beside itself: each may keep a connection.
      const look = (this.#looking ??= this.#look(stopping).finally(() => (this.#looking = undefined)));
      if (!(await endsWithin(look, LOOK_WITHIN_MS, clock, stopping)) && !stopping.aborted)
        logger.warn({}, `The database has not answered the watch for ${LOOK_WITHIN_MS} ms`);
      await delay(clock, Math.max(everyMs, 9 * (clock.monotonic() - beganAt)), stopping);
    }
  }

  async #look(stopping: AbortSignal): Promise<void> {
    const { database, clock, logger, instance } = this.#options;
    try {
      const look = await lookAtOutbox(database, clock);
      if (!stopping.aborted) this.#compare(conditionsOf(look, this.#options, instance), look.at);
    } catch (error) {
      if (!stopping.aborted) logger.warn({ error }, 'The watch could not look at the outbox; it looks again');
    }
  }

  #compare(conditions: readonly Condition[], at: Date): void {
    const { alarms, clock } = this.#options;
    const now = clock.monotonic();
    const [before, moved] = [this.#lasting, this.#moved];
    this.#moved = new Set();
    const lasting = new Map<string, Lasting>();
    for (const condition of conditions) {
      const { key } = condition.finding(at);
      const known = before.get(key);
      const goesOn = known !== undefined && !hasMoved(known.condition.lane, condition.lane, moved);
      if (known && !goesOn) alarms.settle(key);
      lasting.set(key, { condition, since: goesOn ? known.since : at, sinceMs: goesOn ? known.sinceMs : now });
    }
    this.#lasting = lasting;

    for (const key of before.keys()) {
      if (!lasting.has(key)) alarms.settle(key);
    }
    for (const { condition, since, sinceMs } of lasting.values()) {
      if (condition.tell && now - sinceMs >= condition.afterMs) alarms.raise(condition.finding(since));
    }
  }
}

/** Something was delivered in between: another message is the oldest, or fewer are left. */
function hasMoved(before: StoredLane | undefined, after: StoredLane | undefined, moved: ReadonlySet<string>): boolean {
  if (!before || !after) return false;
  if (moved.has(placeOf(after))) return true;
  return before.oldestAt?.getTime() !== after.oldestAt?.getTime() || after.pending < before.pending;
}

async function endsWithin(act: Promise<void>, ms: number, clock: Clock, signal: AbortSignal): Promise<boolean> {
  const ended = new AbortController();
  const end = (): void => ended.abort();
  signal.addEventListener('abort', end, { once: true });
  let inTime = false;
  void act.then(() => {
    inTime = true;
    end();
  });
  await delay(clock, ms, signal.aborted ? signal : ended.signal);
  signal.removeEventListener('abort', end);
  return inTime;
}

const placeOf = ({ route, lane }: { readonly route: string; readonly lane: number }): string => `${lane}/${route}`;
