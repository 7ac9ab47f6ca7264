import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { DispatcherOrder, DispatcherReport, LanePlace } from './dispatcher-reports.js';

/** A dispatcher in a process of its own, seen from outside. */
export class DispatcherChild {
  /** Emits `report` for what it tells, and `died` when it ended unasked. */
  readonly events = new EventEmitter<{ report: [DispatcherReport]; died: [string] }>();
  readonly pid: number;
  /** The lanes that it runs. */
  readonly lanes = new Set<LanePlace>();
  /** Those that it took from a process that had not given them back. */
  readonly takenOver = new Set<LanePlace>();
  readonly #process: ChildProcess;
  readonly #exited: Promise<unknown>;
  #ending = false;

  constructor(readonly order: DispatcherOrder) {
    const program = fileURLToPath(new URL('dispatcher-process.js', import.meta.url));
    this.#process = fork(program, [JSON.stringify(order)], { execArgv: [], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.pid = this.#process.pid ?? 0;
    this.#exited = once(this.#process, 'exit');
    this.#process.on('message', (report: DispatcherReport) => this.#hear(report));
    this.#process.on('exit', (code, signal) => {
      if (!this.#ending) this.events.emit('died', `${order.instance} ended by itself (${signal ?? `exit code ${code}`})`);
    });
  }

  /** SIGKILL: no exit hook runs, no lease is given back. */
  async kill(): Promise<void> {
    this.#ending = true;
    this.#process.kill('SIGKILL');
    await this.#exited;
  }

  /** Lets it finish its batches and give its lanes back. */
  async stop(): Promise<void> {
    this.#ending = true;
    if (this.#process.connected) this.#process.send('stop', () => {}); // it may be gone: 'exit' says so
    await this.#exited;
  }

  #hear(report: DispatcherReport): void {
    if (report.kind === 'lane') {
      this.lanes.add(report.place);
      if (report.takenOver) this.takenOver.add(report.place);
    }
    if (report.kind === 'lane-gone') this.lanes.delete(report.place);
    this.events.emit('report', report);
  }
}
