import type { Clock } from '@waybill/core';
import type { PolicyStats } from '@waybill/resilience';
import type { FailoverOptions } from './failover-options.js';
import type { Target } from './target.js';

/**
 * - `ready`: it can be used.
 * - `left`: it did badly; another is used in its place.
 * - `suspended`: a person said so.
 */
export type TargetState = 'ready' | 'left' | 'suspended';

export interface TargetReport {
  readonly name: string;
  readonly state: TargetState;
  /** True for the one that messages go to now. */
  readonly inUse: boolean;
  readonly since: Date;
  /** Why it is not `ready`. */
  readonly why: string | undefined;
  /** Of its policy: how its requests of the last minute went. */
  readonly stats: PolicyStats;
}

export type DoorRules = Required<Omit<FailoverOptions, 'p95Ms'>> & Pick<FailoverOptions, 'p95Ms'>;

const REMEMBERED = 100;

/** A target with what is known of how it does. */
export class Door {
  #state: TargetState = 'ready';
  #why: string | undefined;
  #since: Date;
  #leftAt = 0;
  #probing = false;
  #failuresInARow = 0;
  #recent: { readonly failed: boolean; readonly ms: number }[] = [];

  constructor(
    readonly target: Target,
    private readonly rules: DoorRules,
    private readonly clock: Clock,
  ) {
    this.#since = clock.now();
  }

  get state(): TargetState {
    return this.#state;
  }

  get why(): string | undefined {
    return this.#why;
  }

  /** Whether messages can go there now; where it was left and its time has come, one request at a time can. */
  get open(): boolean {
    if (this.#state === 'suspended') return false;
    if (this.target.policyState === 'open' || this.target.policyState === 'suspended') return false;
    return this.#state === 'ready' || this.#mayBeProbed;
  }

  /** A request goes there. The returned function tells how it ended; `undefined`: that says nothing of the target. */
  enter(): (ended: { readonly failed: boolean; readonly ms: number } | undefined) => void {
    const probe = this.#state === 'left' && this.#mayBeProbed;
    if (probe) this.#probing = true;
    return (ended) => {
      if (probe) this.#probing = false;
      if (ended && this.#state === 'left' && probe) this.#probed(ended.failed);
      else if (ended && this.#state === 'ready') this.#record(ended);
    };
  }

  leave(why: string): void {
    this.#leftAt = this.clock.monotonic();
    this.#to('left', why);
  }

  suspend(why: string): void {
    this.#to('suspended', why);
  }

  comeBack(): void {
    if (this.#state !== 'ready') this.#to('ready', undefined);
    this.#failuresInARow = 0;
    this.#recent = [];
  }

  report(inUse: boolean): TargetReport {
    return { name: this.target.name, state: this.#state, inUse, since: this.#since, why: this.#why, stats: this.target.stats() };
  }

  get #mayBeProbed(): boolean {
    const { back, backAfterMs } = this.rules;
    return back === 'by-itself' && !this.#probing && this.clock.monotonic() >= this.#leftAt + backAfterMs;
  }

  #probed(failed: boolean): void {
    if (failed) this.#leftAt = this.clock.monotonic();
    else this.comeBack();
  }

  #record(ended: { readonly failed: boolean; readonly ms: number }): void {
    this.#failuresInARow = ended.failed ? this.#failuresInARow + 1 : 0;
    this.#recent.push(ended);
    if (this.#recent.length > REMEMBERED) this.#recent.shift();
    const why = this.#tooBad();
    if (why !== undefined) this.leave(why);
  }

  #tooBad(): string | undefined {
    const { failuresInARow, errorRate, p95Ms, least } = this.rules;
    if (this.#failuresInARow >= failuresInARow) return `${this.#failuresInARow} requests failed in a row`;
    const count = this.#recent.length;
    if (count < least) return undefined;
    const failed = this.#recent.filter((each) => each.failed).length;
    if (failed / count > errorRate) return `${failed} of the last ${count} requests failed`;
    if (p95Ms === undefined) return undefined;
    const slow = this.#recent.filter(({ ms }) => ms > p95Ms).length;
    return slow / count > 0.05 ? `${slow} of the last ${count} answers took longer than ${p95Ms} ms` : undefined;
  }

  #to(state: TargetState, why: string | undefined): void {
    this.#state = state;
    this.#why = why;
    this.#since = this.clock.now();
  }
}
