import type { RouteRates } from '../alarm/outbox-snapshot.js';
import type { Clock } from '../clock.js';
import type { DispatcherEvent } from './dispatcher-events.js';

interface Second {
  readonly at: number;
  delivered: number;
  failed: number;
}

const OVER_SECONDS = 60;

/** How fast this instance is, by route, over the last minute. */
export class Rates {
  readonly #seconds = new Map<string, Second[]>();
  readonly #startedAt: number;

  constructor(private readonly clock: Clock) {
    this.#startedAt = this.#now();
  }

  count({ name, event }: DispatcherEvent): void {
    if (name === 'delivered') this.#second(event.route).delivered += event.count;
    if (name === 'waiting' || name === 'halted' || name === 'stream-halted' || name === 'parked' || name === 'discarded')
      this.#second(event.route).failed++;
  }

  of(route: string): RouteRates {
    const now = this.#now();
    const over = Math.min(OVER_SECONDS, now - this.#startedAt + 1);
    const counted = (this.#seconds.get(route) ?? []).filter(({ at }) => at > now - OVER_SECONDS);
    const perSecond = (kind: 'delivered' | 'failed'): number => counted.reduce((sum, second) => sum + second[kind], 0) / over;
    return { deliveredPerSecond: perSecond('delivered'), failedPerSecond: perSecond('failed') };
  }

  #second(route: string): Second {
    const seconds = this.#seconds.get(route) ?? [];
    this.#seconds.set(route, seconds);
    const last = seconds.at(-1);
    const at = this.#now();
    if (last?.at === at) return last;
    const second = { at, delivered: 0, failed: 0 };
    seconds.push(second);
    if (seconds.length > OVER_SECONDS) seconds.shift();
    return second;
  }

  #now(): number {
    return Math.floor(this.clock.monotonic() / 1_000);
  }
}
