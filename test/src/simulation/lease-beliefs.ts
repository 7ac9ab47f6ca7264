import type { LaneLease } from '@waybill/core';
import type { ProcessClock } from './process-clock.js';

export type HeldLane = Pick<LaneLease, 'route' | 'lane' | 'epoch'>;

/** A moment by both clocks of a process. */
export interface Instant {
  readonly monotonic: number;
  readonly wall: number;
}

interface Belief {
  readonly lease: HeldLane;
  readonly until: Instant;
}

/** Which lanes a process may believe to hold, and until when, by its own clocks and counted from before it asked. */
export class LeaseBeliefs {
  readonly #beliefs = new Map<string, Belief>();
  readonly #over = new Set<string>();

  constructor(
    private readonly clock: ProcessClock,
    private readonly leaseMs: number,
  ) {}

  now(): Instant {
    return { monotonic: this.clock.monotonic(), wall: this.clock.now().getTime() };
  }

  /** It was told that these leases are its own. */
  believe(leases: readonly HeldLane[], askedAt: Instant): void {
    const until = { monotonic: askedAt.monotonic + this.leaseMs, wall: askedAt.wall + this.leaseMs };
    for (const lease of leases) if (!this.#over.has(keyOf(lease))) this.#beliefs.set(keyOf(lease), { lease, until });
  }

  /** It has told that a lease is lost, or given back: no late answer makes it valid again. */
  end(lease: HeldLane): void {
    this.#over.add(keyOf(lease));
    this.#beliefs.delete(keyOf(lease));
  }

  /** What it has not told the end of. */
  all(): readonly HeldLane[] {
    return [...this.#beliefs.values()].map(({ lease }) => lease);
  }

  /** For how many milliseconds more its clocks allow it to run the lane; 0 or less when the lease is over. */
  leftMs(lease: HeldLane): number {
    const belief = this.#beliefs.get(keyOf(lease));
    if (!belief) return -Infinity;
    const { monotonic, wall } = this.now();
    return Math.min(belief.until.monotonic - monotonic, belief.until.wall - wall);
  }
}

const keyOf = ({ route, lane, epoch }: HeldLane): string => `${route}/${lane}@${epoch}`;
