import { Screen } from './screen.js';

const INTERRUPTED = 130;

/** The process that a demo runs in, from its first line to its exit code. */
export class DemoProgram {
  readonly screen = new Screen();
  /** Of what was opened; the last is ended first. */
  readonly endings: (() => Promise<unknown>)[] = [];
  /** Ctrl-C. */
  readonly stop = new AbortController();

  /** Ends with 0 where `demo` resolves to `true`, and ends what was opened, however it went. */
  async run(demo: () => Promise<boolean>): Promise<void> {
    const { screen, endings, stop } = this;
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => this.#interrupt());
    try {
      process.exitCode = (await demo()) ? 0 : 1;
    } catch (error) {
      const what = error instanceof Error ? error.message : String(error);
      screen.print('', stop.signal.aborted ? '  Interrupted.' : `  The demo failed: ${what.replaceAll('\n', '\n  ')}`);
      process.exitCode = stop.signal.aborted ? INTERRUPTED : 1;
    }
    for (let end = endings.pop(); end; end = endings.pop()) await end().catch((error: unknown) => screen.print(`  ! ${String(error)}`));
  }

  #interrupt(): void {
    if (this.stop.signal.aborted) process.exit(INTERRUPTED); // a second Ctrl-C: the servers end with this process all the same
    this.stop.abort();
  }
}
