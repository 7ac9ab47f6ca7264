/** The moment at which something that others may wait for is over. */
export class Ending {
  #isOver = false;
  #promise: Promise<void> | undefined;
  #resolve: (() => void) | undefined;

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Resolves once it is over. */
  get over(): Promise<void> {
    if (this.#isOver) return Promise.resolve();
    return (this.#promise ??= new Promise((resolve) => (this.#resolve = resolve)));
  }

  conclude(): void {
    this.#isOver = true;
    this.#resolve?.();
  }
}
