import type { Topology } from './topology.js';

/** The time in which this server is not primary, and its end. */
export class StepDown {
  #end: (() => void) | undefined;
  #over: Promise<void> = Promise.resolve();

  constructor(
    private readonly topology: Topology,
    private readonly leave: () => void,
  ) {}

  /** Resolves once this server is primary again. One that has stepped down already stays so no longer than it would have. */
  begin(ms: number): Promise<void> {
    if (this.#end) return this.#over;
    this.topology.stepDown();
    this.leave();
    this.#over = new Promise((resolve) => {
      const timer = setTimeout(() => this.#end?.(), ms);
      this.#end = () => {
        clearTimeout(timer);
        this.#end = undefined;
        this.topology.becomePrimary();
        resolve();
      };
    });
    return this.#over;
  }

  /** Ends it now. */
  cancel(): void {
    this.#end?.();
  }
}
