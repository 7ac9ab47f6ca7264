import { delay } from '@waybill/core';
import type { Clock } from '@waybill/core';
import type { LogEnd } from './log-end.js';

// What was written just before we looked is on its way.
const ON_ITS_WAY_MS = 1_000;

export interface SilenceOptions {
  readonly end: LogEnd;
  /** What the server was asked for; `undefined`: all. */
  readonly types: readonly string[] | undefined;
  readonly clock: Clock;
  readonly silenceMs: number;
  readonly signal: AbortSignal;
  /** Called when the server has answered that nothing is there. */
  readonly onQuiet: () => void;
}

/** Tells the silence of a log to which nothing is written from that of a subscription which died without a word. */
export class Silence {
  /** Position up to which everything came. */
  seen: bigint | undefined;
  #arrived = 0;
  #isAsking = false;

  constructor(
    after: bigint | undefined,
    private readonly options: SilenceOptions,
  ) {
    this.seen = after;
  }

  /** Something came. */
  end(): void {
    this.#arrived += 1;
  }

  /** Asks the server. Rejects when it does not answer, or knows of something that never came. */
  async look(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    try {
      await this.#look();
    } finally {
      this.#isAsking = false;
    }
  }

  async #look(): Promise<void> {
    const { end, types, clock, silenceMs, signal, onQuiet } = this.options;
    const before = this.#arrived;
    const isBeyond = await end.isBeyond(this.seen, types, signal);
    if (isBeyond) await delay(clock, Math.min(ON_ITS_WAY_MS, silenceMs), signal);
    if (this.#arrived > before || signal.aborted) return;
    if (isBeyond) throw new Error(`nothing came for ${silenceMs} ms (silenceMs), though there is something to come`);
    onQuiet();
  }
}
