const PLAIN_EVERY_MS = 1_000;

/** Writes lines for good, and below them one line that changes: in place on a terminal, once a second elsewhere. */
export class Screen {
  #changing = '';
  #changedAt = -Infinity;
  #blank = false; // the last line for good was empty: one is enough

  constructor(private readonly out: NodeJS.WriteStream = process.stdout) {}

  print(...lines: readonly string[]): void {
    this.#clear();
    for (const line of lines) {
      if (line !== '' || !this.#blank) this.out.write(`${line}\n`);
      this.#blank = line === '';
    }
    if (this.out.isTTY) this.out.write(this.#changing);
  }

  change(line: string): void {
    if (this.out.isTTY) {
      this.#clear();
      this.#changing = line.slice(0, this.out.columns - 1);
      this.out.write(this.#changing);
    } else if (performance.now() - this.#changedAt >= PLAIN_EVERY_MS) {
      this.#changedAt = performance.now();
      this.#blank = false;
      this.out.write(`${line}\n`);
    }
  }

  /** The changing line stays as it is now; what comes next goes below it. */
  settle(line: string): void {
    this.#changedAt = -Infinity;
    this.change(line);
    if (this.out.isTTY) this.out.write('\n');
    this.#changing = '';
    this.#blank = false;
  }

  #clear(): void {
    if (this.#changing !== '') this.out.write('\r\x1b[2K');
  }
}
