import type { Verdict } from '../figure.js';
import { costOfEach, processorTime } from '../processor.js';

/** How many messages one contender was to handle once, and what it needed of the processor. */
export class HandledCount {
  #expected = 0;
  /** How many it says it has handled. */
  handled = 0;
  #processorMs = 0;

  /** Measures the handling of so many new messages. */
  async measured<Result>(messages: number, act: () => Promise<Result>): Promise<Result> {
    const needed = processorTime();
    const result = await act();
    this.#processorMs += needed();
    this.#expected += messages;
    return result;
  }

  /** @param isNew - whether it was handled now, and not before */
  async note(isNew: Promise<boolean>): Promise<void> {
    if (await isNew) this.handled++;
  }

  /** Right where all counts are of each message once: what came again had no effect. */
  verdict(counts: Readonly<Record<string, number>>): Verdict {
    if (Object.values(counts).every((count) => count === this.#expected))
      return { right: true, found: `${this.#expected} once, ${costOfEach(this.#processorMs, this.#expected)}` };
    const found = Object.entries(counts).map(([name, count]) => `${count} ${name}`);
    return { right: false, found: `of ${this.#expected}: ${found.join(', ')}` };
  }
}
