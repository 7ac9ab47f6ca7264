import { ChildProgram } from '@waybill/example-flights/child-program';
import { EventEmitter } from 'node:events';
import type { Count, ReceiverOrder, ReceiverReport } from './receiver-reports.js';

/** The receiver in a process of its own, seen from outside. */
export class ReceiverChild {
  /** Emits `listening` with its port, and `died` when it ended unasked. */
  readonly events = new EventEmitter<{ listening: [number]; died: [string] }>();
  readonly pid: number;
  /** What it told last. */
  count: Count = NOTHING_YET;
  readonly #program: ChildProgram<ReceiverReport>;

  constructor(order: ReceiverOrder) {
    this.#program = new ChildProgram({
      program: new URL('receiver-process.js', import.meta.url),
      order,
      hear: (report) => this.#hear(report),
      onDied: (how) => this.events.emit('died', `The receiver ended by itself (${how})`),
    });
    this.pid = this.#program.pid;
  }

  /** SIGKILL: no exit hook runs, no request in hand is answered. */
  kill(): Promise<void> {
    return this.#program.kill();
  }

  /** Lets it answer what it has in hand, and handle what it has accepted. */
  stop(): Promise<void> {
    return this.#program.stop();
  }

  #hear(report: ReceiverReport): void {
    if (report.kind === 'listening') this.events.emit('listening', report.port);
    else this.count = report;
  }
}

const NOTHING_YET: Count = { taken: 0, duplicates: 0, failed: 0 };
