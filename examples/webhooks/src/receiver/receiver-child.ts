import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Count, ReceiverOrder, ReceiverReport } from './receiver-reports.js';

/** The receiver in a process of its own, seen from outside. */
export class ReceiverChild {
  /** Emits `listening` with its port, and `died` when it ended unasked. */
  readonly events = new EventEmitter<{ listening: [number]; died: [string] }>();
  readonly pid: number;
  /** What it told last. */
  count: Count = NOTHING_YET;
  readonly #process: ChildProcess;
  readonly #exited: Promise<unknown>;
  #ending = false;

  constructor(order: ReceiverOrder) {
    const program = fileURLToPath(new URL('receiver-process.js', import.meta.url));
    this.#process = fork(program, [JSON.stringify(order)], { execArgv: [], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.pid = this.#process.pid ?? 0;
    this.#exited = once(this.#process, 'exit');
    this.#process.on('message', (report: ReceiverReport) => this.#hear(report));
    this.#process.on('exit', (code, signal) => {
      if (!this.#ending) this.events.emit('died', `The receiver ended by itself (${signal ?? `exit code ${code}`})`);
    });
  }

  /** SIGKILL: no exit hook runs, no request in hand is answered. */
  async kill(): Promise<void> {
    this.#ending = true;
    this.#process.kill('SIGKILL');
    await this.#exited;
  }

  /** Lets it answer what it has in hand, and handle what it has accepted. */
  async stop(): Promise<void> {
    this.#ending = true;
    if (this.#process.connected) this.#process.send('stop', () => {}); // it may be gone: 'exit' says so
    await this.#exited;
  }

  #hear(report: ReceiverReport): void {
    if (report.kind === 'listening') this.events.emit('listening', report.port);
    else this.count = report;
  }
}

const NOTHING_YET: Count = { taken: 0, duplicates: 0, failed: 0 };
