import { aborted } from '../../clock.js';

/** Lets one of those who ask go on at a time, in the order in which they asked. */
export class OneAtATime {
  #last = Promise.resolve();

  /** @returns what `act` answers; `undefined` when the signal aborted before its turn came, and `act` was not called */
  async run<Result>(act: () => Promise<Result>, signal: AbortSignal): Promise<Result | undefined> {
    const before = this.#last;
    let end = (): void => {};
    this.#last = new Promise<void>((resolve) => (end = resolve));
    try {
      await Promise.race([before, aborted(signal)]);
      return signal.aborted ? undefined : await act();
    } finally {
      void before.then(end); // whoever gives up does not let the next one pass those before
    }
  }
}
