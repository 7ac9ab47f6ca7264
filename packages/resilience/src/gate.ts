import type { Breaker } from './breaker.js';
import type { PolicySettings } from './policy-settings.js';
import type { PolicyChange, PolicyState } from './policy-stats.js';

// As long as lanes wait at most; a target that says next year is asked again.
const LONGEST_HOLD_MS = 3_600_000;

/** Whether calls may be made at the moment: nobody suspended it, the target did not ask for a pause, the breaker is not open. */
export class Gate {
  readonly #listeners = new Set<(change: PolicyChange) => void>();
  #suspendedFor: string | undefined;
  #heldUntil = 0;
  #told: PolicyState = 'ready';

  constructor(
    private readonly settings: PolicySettings,
    private readonly breaker: Breaker | undefined,
  ) {}

  get state(): PolicyState {
    if (this.#suspendedFor !== undefined) return 'suspended';
    if (this.heldForMs() > 0) return 'held';
    const state = this.breaker?.state ?? 'closed';
    return state === 'closed' ? 'ready' : state;
  }

  get reason(): string | undefined {
    return this.turnsAway()?.detail;
  }

  turnsAway(): { readonly detail: string; readonly retryAfterMs?: number } | undefined {
    if (this.#suspendedFor !== undefined) return { detail: `it is suspended: ${this.#suspendedFor}` };
    if (this.heldForMs() > 0) return { detail: 'it asked to be left alone for a while', retryAfterMs: Math.ceil(this.heldForMs()) };
    return this.breaker?.turnsAway();
  }

  suspend(reason: string): void {
    this.#suspendedFor = reason;
    this.notice();
  }

  resume(): void {
    this.#suspendedFor = undefined;
    this.#heldUntil = 0;
    this.breaker?.reset();
    this.notice();
  }

  hold(ms: number): void {
    if (Number.isNaN(ms)) return; // computed from something that was not there: it would never end, and never begin
    this.#heldUntil = Math.max(this.#heldUntil, this.settings.clock.monotonic() + Math.min(ms, LONGEST_HOLD_MS));
    this.notice();
  }

  onChange(listener: (change: PolicyChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Tells, if the state is another than was told last. */
  notice(): void {
    const { state } = this;
    if (state === this.#told) return;
    const { reason } = this;
    const { name, clock, logger } = this.settings;
    const change: PolicyChange = {
      policy: name,
      state,
      previous: this.#told,
      at: clock.now(),
      ...(reason === undefined ? {} : { reason }),
    };
    this.#told = state;
    logger[state === 'ready' || state === 'half-open' ? 'info' : 'warn'](change, `${name} is ${state}`);
    for (const listener of this.#listeners) {
      try {
        listener(change);
      } catch (error) {
        logger.error({ policy: name, error }, 'a listener of a policy failed');
      }
    }
  }

  private heldForMs(): number {
    if (this.#heldUntil === 0) return 0; // as nearly always: not a look at the clock for each call
    return Math.max(0, this.#heldUntil - this.settings.clock.monotonic());
  }
}
