import { systemClock } from '@waybill/core';
import type { Clock, Database, Moment, Reached, Sink } from '@waybill/core';

/**
 * A process that can die, played inside this one: from the moment on at which it dies, nothing that it has begun goes on, nothing that it
 * asks for happens, and its timers never fire. What others hold of it stays as it was: leases run out, and nobody gives them back.
 */
export class MortalProcess {
  /** How often each moment was reached. */
  readonly moments = new Map<Moment, number>();
  isDead = false;
  readonly #death: { readonly moment: Moment; readonly nth: number } | undefined;
  readonly #timers = new Set<() => void>();

  /** @param death - at which moment, and at which time; without one it lives */
  constructor(death?: { readonly moment: Moment; readonly nth: number }) {
    this.#death = death;
  }

  readonly reached: Reached = (moment) => {
    const times = (this.moments.get(moment) ?? 0) + 1;
    this.moments.set(moment, times);
    if (moment === this.#death?.moment && times === this.#death.nth) this.die();
    return this.isDead ? never() : undefined;
  };

  readonly clock: Clock = {
    ...systemClock,
    after: (ms, act) => {
      if (this.isDead) return () => {};
      const cancel = systemClock.after(ms, () => {
        this.#timers.delete(cancel);
        act();
      });
      this.#timers.add(cancel);
      return () => {
        this.#timers.delete(cancel);
        cancel();
      };
    },
  };

  /** The database as this process reaches it. */
  database<Tx>(real: Database<Tx>): Database<Tx> {
    return this.#mortal(real, (port) => (typeof port === 'object' && port !== null ? this.#mortal(port, (part) => part) : port));
  }

  sink(real: Sink): Sink {
    return this.#mortal(real, (part) => part);
  }

  die(): void {
    this.isDead = true;
    for (const cancel of this.#timers) cancel();
  }

  /** Calls after the death are never answered; neither are those that were under way. */
  #mortal<Target extends object>(target: Target, partOf: (part: unknown) => unknown): Target {
    return new Proxy(target, {
      get: (_target, name) => {
        const part: unknown = target[name as keyof Target];
        if (typeof part !== 'function') return partOf(part);
        return (...values: unknown[]): unknown => {
          if (this.isDead) return never();
          const answer: unknown = part.apply(target, values);
          if (!(answer instanceof Promise)) return answer;
          return answer.then(
            (found: unknown) => (this.isDead ? never() : found),
            (error: unknown) => (this.isDead ? never() : Promise.reject(error as Error)),
          );
        };
      },
    });
  }
}

const never = (): Promise<never> => new Promise(() => {});
