/** What everybody passes while it is open and waits at while it is closed. */
export class Gate {
  #opened: Promise<void> | undefined;
  #open: () => void = () => {};

  get closed(): boolean {
    return this.#opened !== undefined;
  }

  /** Resolves once it is open; look at {@link closed} first where waiting for nothing would cost. */
  async passed(): Promise<void> {
    while (this.#opened) await this.#opened;
  }

  close(): void {
    this.#opened ??= new Promise((resolve) => (this.#open = resolve));
  }

  open(): void {
    this.#opened = undefined;
    this.#open();
  }
}
