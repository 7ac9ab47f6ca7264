import { Observable } from 'rxjs';
import type { Clock } from '../../clock.js';
import { backoffMs } from '../../backoff.js';
import type { RetryOptions } from '../../backoff.js';

/** What a lane learned from one call of the sink. */
export interface Answered {
  /** Something was accepted. */
  readonly accepted: boolean;
  /** The sink could not be reached, was overloaded, or did not say. */
  readonly unavailable: boolean;
  /** How long its target asks to be left alone, in milliseconds. */
  readonly retryAfterMs?: number;
}

/**
 * What the lanes of one route in this process know together of their sink.
 *
 * While it is down (two lanes have failed and nobody got through since) one of them probes at a time, with backoff, and the others wait
 * for what it finds: no stampede. The first message that gets through lets all go on at once. While its target asks to be left alone, nobody
 * calls it, whatever else got through meanwhile.
 */
export class SinkHealth {
  readonly #failing = new Set<number>();
  readonly #waiting = new Set<() => void>();
  #failures = 0;
  #probing: number | undefined;
  #nextProbeAt = 0;
  #leftAloneUntil = 0;
  #accepted = 0;
  #recoveries = 0;

  constructor(
    private readonly clock: Clock,
    private readonly random: () => number,
    private readonly retry: RetryOptions,
  ) {}

  get isDown(): boolean {
    return this.#failing.size > 1;
  }

  /** Grows whenever something is accepted. A message that fails again while others get through is at fault itself. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Grows whenever the sink is back. */
  get recoveries(): number {
    return this.#recoveries;
  }

  /** Emits, without a value, when it is worth asking {@link enter} again. Never errors or completes. */
  readonly changed = new Observable<void>((subscriber) => {
    const tell = (): void => subscriber.next();
    this.#waiting.add(tell);
    return () => this.#waiting.delete(tell);
  });

  /** Milliseconds to wait before asking again; 0: the lane may call the sink now, and has to tell what it {@link answered}. */
  enter(lane: number): number {
    const leftAloneMs = this.#leftAloneUntil - this.clock.monotonic();
    if (leftAloneMs > 0) return leftAloneMs;
    if (!this.isDown) return 0;
    const { maxMs = 30_000 } = this.retry;
    if (this.#probing !== undefined) return maxMs;
    const waitMs = this.#nextProbeAt - this.clock.monotonic();
    if (waitMs > 0) return waitMs;
    this.#probing = lane;
    return 0;
  }

  /** @returns whether this answer is what took the sink down, or brought it back */
  answered(lane: number, { accepted, unavailable, retryAfterMs = 0 }: Answered): 'down' | 'up' | undefined {
    const wasDown = this.isDown;
    if (accepted) this.#accepted++;
    if (accepted || !unavailable) {
      this.#failing.clear(); // who refuses a message is there
      this.#failures = 0;
    }
    this.#leftAloneUntil = Math.max(this.#leftAloneUntil, this.clock.monotonic() + retryAfterMs);
    if (unavailable) {
      // Those that were under way when the sink went down tell nothing new.
      if (!wasDown || lane === this.#probing) this.#failures++;
      this.#failing.add(lane);
      this.#nextProbeAt = this.clock.monotonic() + backoffMs(this.#failures, this.retry, this.random);
    }
    const isBack = wasDown && !this.isDown;
    if (isBack) this.#recoveries++;
    this.leave(lane);
    if (isBack) this.#tell();
    if (isBack) return 'up';
    return this.isDown && !wasDown ? 'down' : undefined;
  }

  /** The lane is another instance's by now. */
  forget(lane: number): void {
    this.#failing.delete(lane);
    this.leave(lane);
  }

  /** The lane does not probe any longer. */
  leave(lane: number): undefined {
    if (this.#probing !== lane) return;
    this.#probing = undefined;
    this.#tell();
  }

  // Only when something has changed: those who are told look again, and must not wake each other by that.
  #tell(): void {
    for (const tell of [...this.#waiting]) tell();
  }
}
