import type { Clock } from '@waybill/core';

/**
 * Notices that one wait takes too long, and says so again after as long. One timer for many waits: arming one for each event would cost more
 * than reading it.
 */
export class Watch {
  #since: number | undefined;
  #cancel: (() => void) | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly ms: number,
    private readonly expired: () => void,
  ) {}

  begin(): void {
    this.#since = this.clock.monotonic();
    this.#cancel ??= this.clock.after(this.ms, () => this.#look());
  }

  pause(): void {
    this.#since = undefined;
  }

  stop(): void {
    this.#cancel?.();
    this.#since = undefined;
  }

  #look(): void {
    this.#cancel = undefined;
    if (this.#since === undefined) return;
    let leftMs = this.#since + this.ms - this.clock.monotonic();
    if (leftMs <= 0) {
      this.#since = this.clock.monotonic();
      leftMs = this.ms;
      this.expired();
    }
    this.#cancel = this.clock.after(leftMs, () => this.#look());
  }
}
