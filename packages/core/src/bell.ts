/** Tells whoever waits that something has changed, and whoever is connected that they are cut off. */
export class Bell {
  readonly #waiting = new Set<() => void>();
  #cut = new AbortController();

  ring(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  /** Rings, and those who were connected before are so no more. */
  cut(): void {
    this.#cut.abort();
    this.#cut = new AbortController();
    this.ring();
  }

  connection(): { wasCut(): boolean; ended(signal: AbortSignal): AbortSignal } {
    const { signal: cut } = this.#cut;
    return { wasCut: () => cut.aborted, ended: (signal) => AbortSignal.any([cut, signal]) };
  }

  /** Resolves at the next ring, or as soon as `signal` aborts. */
  next(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal.addEventListener('abort', wake, { once: true });
    });
  }
}
