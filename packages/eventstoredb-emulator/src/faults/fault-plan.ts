import type { Failure } from '../wire/statuses.js';

/** What happens to an append instead of being stored and acknowledged. */
export type AppendFault =
  | { readonly kind: 'store-without-acknowledging' }
  | { readonly kind: 'lose' }
  | { readonly kind: 'time-out' }
  | { readonly kind: 'busy' }
  | { readonly kind: 'not-ready' }
  | { readonly kind: 'not-leader'; readonly leader: { readonly host: string; readonly port: number } };

interface Armed {
  readonly fault: AppendFault;
  readonly stream: string | undefined;
  left: number;
}

/** The faults that are armed, as the services ask for them. Users arm them through `Faults`. */
export class FaultPlan {
  acknowledgementDelayMs = 0;
  /** What every read, subscription and call about a group ends with. */
  refusal: Failure | undefined;
  #armed: Armed[] = [];
  #held: (() => void)[] | undefined;
  #dead = false;
  #timesForgotten = 0;

  get muted(): boolean {
    return this.#held !== undefined;
  }

  /** Who subscribed when this was another number is forgotten: nothing comes any more, and no error either. */
  get timesForgotten(): number {
    return this.#timesForgotten;
  }

  forgetSubscribers(): void {
    this.#timesForgotten += 1;
  }

  arm(fault: AppendFault, appends: number, stream: string | undefined): void {
    if (appends > 0) this.#armed.push({ fault, left: appends, stream });
  }

  /** The fault for this append, counted down; the first one armed that concerns its stream. */
  take(stream: string): AppendFault | undefined {
    if (this.#armed.length === 0) return undefined;
    const armed = this.#armed.find((candidate) => candidate.stream === undefined || candidate.stream === stream);
    if (!armed) return undefined;
    armed.left -= 1;
    if (armed.left <= 0) this.#armed = this.#armed.filter((other) => other !== armed);
    return armed.fault;
  }

  mute(): void {
    this.#held ??= [];
  }

  /** Runs at once; after {@link heal} while mute, in order; never once dead. Every request and every answer goes through here. */
  whenHeard(work: () => void): void {
    if (this.#dead) return;
    if (this.#held) this.#held.push(work);
    else work();
  }

  /** Disarms everything, then does what was held back. */
  heal(): void {
    this.#armed = [];
    this.acknowledgementDelayMs = 0;
    this.refusal = undefined;
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const work of held) work();
  }

  /** What a killed process does with requests it had not looked at: nothing, not even with those already read from a socket. */
  die(): void {
    this.#dead = true;
    if (this.#held) this.#held = [];
  }

  revive(): void {
    this.#dead = false;
  }
}
