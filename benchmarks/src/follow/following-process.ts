import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Verdict } from '../figure.js';
import type { FollowerOrder, FollowerReport, FollowerTask } from './follower-task.js';

const PROGRAM = fileURLToPath(new URL('follower-process.js', import.meta.url));

/** A process that follows, part by part, and what it has told. */
export class FollowingProcess {
  readonly #reports: FollowerReport[] = [];

  readonly #ended: Promise<unknown>;

  private constructor(private readonly child: ChildProcess) {
    this.#ended = once(child, 'exit');
    this.#ended.catch(() => {});
  }

  static async start(task: FollowerTask): Promise<FollowingProcess> {
    const child = fork(PROGRAM, [JSON.stringify(task)]);
    await once(child, 'message');
    return new FollowingProcess(child);
  }

  /** @param through - events in all, those of the parts before included */
  async follow(through: number): Promise<void> {
    const order: FollowerOrder = { through };
    this.child.send(order);
    const answer = once(this.child, 'message') as Promise<[FollowerReport]>;
    const answered = await Promise.race([answer, this.#ended.then(() => undefined)]);
    if (!answered) throw new Error('A process that follows has ended.');
    this.#reports.push(answered[0]);
  }

  async end(): Promise<void> {
    const order: FollowerOrder = { through: 'end' };
    this.child.send(order);
    await this.#ended;
  }

  /** Events in all. */
  get total(): number {
    return this.#reports.at(-1)?.total ?? 0;
  }

  /** Events a second of each part. */
  get rates(): readonly number[] {
    return this.#reports.map(({ followed, ms }) => (followed / ms) * 1_000);
  }

  get rate(): number {
    return (this.#sum(({ followed }) => followed) / this.#sum(({ ms }) => ms)) * 1_000;
  }

  get processorMs(): number {
    return this.#sum((report) => report.processorMs);
  }

  /** Half of what lies between its least and its most resident memory, in MB. */
  get swing(): number {
    return (this.#most - this.#least) / 2;
  }

  residentVerdict({ right, found }: Verdict): Verdict {
    return { right, found: `${found}; ${this.#least.toFixed(0)} to ${this.#most.toFixed(0)} MB in ${this.#samples.length} samples` };
  }

  get #least(): number {
    return Math.min(...this.#samples);
  }

  get #most(): number {
    return Math.max(...this.#samples);
  }

  /** But for the first part, in which it grows. */
  get #samples(): readonly number[] {
    const parts = this.#reports.length > 1 ? this.#reports.slice(1) : this.#reports;
    return parts.flatMap(({ residentMB }) => residentMB);
  }

  #sum(of: (report: FollowerReport) => number): number {
    return this.#reports.reduce((sum, report) => sum + of(report), 0);
  }
}
