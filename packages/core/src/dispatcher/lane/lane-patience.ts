import type { Clock } from '../../clock.js';
import type { LaneFailure } from '../../outbox/lane-progress.js';
import { backoffMs } from '../../backoff.js';
import { retryAfterMsOf } from '../failure/retry-after.js';
import type { Route } from '../route.js';
import type { SinkHealth } from '../failure/sink-health.js';

/** How long a lane waits after a failure, and what ends the wait early. */
export class LanePatience {
  #failuresInARow = 0;
  #notBefore = 0;
  /** Set while the lane waits for its sink: how often the sink had come back by then. */
  #recoveriesSeen: number | undefined;

  constructor(
    private readonly route: Route,
    private readonly health: SinkHealth,
    private readonly clock: Clock,
    private readonly random: () => number,
  ) {}

  /** A lane that waits for its sink goes on as soon as the sink is back, and while it is down leaves the timing to the one that probes. */
  waitMs(): number {
    if (this.isForSink && (this.health.isDown || this.health.recoveries > this.#recoveriesSeen!)) return 0;
    return Math.max(0, this.#notBefore - this.clock.monotonic());
  }

  /** True while what the lane waits for is its sink. */
  get isForSink(): boolean {
    return this.#recoveriesSeen !== undefined;
  }

  /**
   * @param error - may say how long the target asks to be left alone
   * @returns the wait in milliseconds; nothing but the sink's return or an order shortens it
   */
  after(
    failure: 'outage' | 'refusal' | 'trouble',
    { gotOn = false, error }: { readonly gotOn?: boolean; readonly error?: unknown } = {},
  ): number {
    this.#failuresInARow = gotOn ? 1 : this.#failuresInARow + 1;
    this.#recoveriesSeen = failure === 'outage' ? this.health.recoveries : undefined;
    const waitMs = Math.max(backoffMs(this.#failuresInARow, this.route.retry, this.random), retryAfterMsOf(error));
    this.#notBefore = this.clock.monotonic() + waitMs;
    return waitMs;
  }

  /** As it was stored by the last holder, by a clock of its own: no wait is longer than the route's longest, whatever that clock said. */
  takeOver({ nextTryAt }: LaneFailure): void {
    if (!nextTryAt) return;
    this.#notBefore = this.clock.monotonic() + Math.min(nextTryAt.getTime() - this.clock.now().getTime(), this.route.retry.maxMs);
  }

  reset(): void {
    this.#failuresInARow = 0;
    this.#notBefore = 0;
    this.#recoveriesSeen = undefined;
  }
}
