import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface ChildProgramOptions<Report> {
  readonly program: URL;
  /** For its command line, as JSON. */
  readonly order: unknown;
  readonly hear: (report: Report) => void;
  /** It ended, and nobody had asked it to. */
  readonly onDied: (how: string) => void;
}

/** A part of a demo in a process of its own. It prints where this process prints, tells with messages, and stops when it is sent `stop`. */
export class ChildProgram<Report> {
  readonly pid: number;
  readonly #process: ChildProcess;
  readonly #exited: Promise<unknown>;
  #ending = false;

  constructor({ program, order, hear, onDied }: ChildProgramOptions<Report>) {
    this.#process = fork(fileURLToPath(program), [JSON.stringify(order)], { execArgv: [], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.pid = this.#process.pid ?? 0;
    this.#exited = once(this.#process, 'exit');
    this.#process.on('message', (report) => hear(report as Report));
    this.#process.on('exit', (code, signal) => {
      if (!this.#ending) onDied(signal ?? `exit code ${code}`);
    });
  }

  /** SIGKILL: no exit hook runs, nothing is given back or answered. */
  async kill(): Promise<void> {
    this.#ending = true;
    this.#process.kill('SIGKILL');
    await this.#exited;
  }

  /** Lets it finish what it has in hand. */
  async stop(): Promise<void> {
    this.#ending = true;
    if (this.#process.connected) this.#process.send('stop', () => {}); // it may be gone: 'exit' says so
    await this.#exited;
  }
}
