import { EventEmitter } from 'node:events';
import { ChildProgram } from './child-program.js';
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
  readonly #program: ChildProgram<DispatcherReport>;

  constructor(readonly order: DispatcherOrder) {
    this.#program = new ChildProgram({
      program: new URL('dispatcher-process.js', import.meta.url),
      order,
      hear: (report) => this.#hear(report),
      onDied: (how) => this.events.emit('died', `${order.instance} ended by itself (${how})`),
    });
    this.pid = this.#program.pid;
  }

  /** SIGKILL: no exit hook runs, no lease is given back. */
  kill(): Promise<void> {
    return this.#program.kill();
  }

  /** Lets it finish its batches and give its lanes back. */
  stop(): Promise<void> {
    return this.#program.stop();
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
