import { fork, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** What a program printed. */
export interface ToldEvent {
  readonly at: number;
  readonly name: string;
  readonly [detail: string]: unknown;
}

export interface ForkedProgramOptions {
  /** How wrong its clock is, in milliseconds. */
  readonly clockOffByMs?: number | undefined;
  /** Called with each event as it is told. */
  readonly heard?: (event: ToldEvent) => void;
}

const KEPT_EVENTS = 200;
const STOPS_WITHIN_MS = 10_000;

const alive = new Set<ChildProcess>();
process.on('exit', () => alive.forEach((child) => child.kill('SIGKILL'))); // a frozen one would not notice that we are gone

/** A program in a process of its own, which prints events as lines of JSON, seen from outside. */
export class ForkedProgram {
  /** The last ones. */
  readonly events: ToldEvent[] = [];
  /** How often it told each event. */
  readonly told = new Map<string, number>();
  /** How it ended; `undefined` while it runs. */
  ending: string | undefined;
  readonly ended: Promise<void>;
  readonly #process: ChildProcess;
  readonly #heard: (event: ToldEvent) => void;
  #errors = '';

  /** @param order - becomes its argument, as JSON */
  constructor(program: URL, order: object, { clockOffByMs, heard = () => {} }: ForkedProgramOptions = {}) {
    const clock = fileURLToPath(new URL('shifted-clock.js', import.meta.url));
    this.#heard = heard;
    this.#process = fork(fileURLToPath(program), [JSON.stringify(order)], {
      execArgv: clockOffByMs === undefined ? [] : ['--import', clock],
      env: { ...process.env, CLOCK_OFF_BY_MS: String(clockOffByMs ?? 0) },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    alive.add(this.#process);
    createInterface({ input: this.#process.stdout! }).on('line', (line) => this.#hear(line));
    this.#process.stderr!.on('data', (text: Buffer) => (this.#errors = `${this.#errors}${text.toString()}`.slice(-2_000)));
    this.ended = once(this.#process, 'exit').then((how) => {
      const [code, signal] = how as [number | null, string | null];
      alive.delete(this.#process);
      this.ending = signal ?? `exit code ${code}${this.#errors ? `: ${this.#errors}` : ''}`;
    });
  }

  get isRunning(): boolean {
    return this.told.has('started') && this.ending === undefined;
  }

  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.ended;
  }

  /** Freezes it as SIGSTOP does. A process of its own thaws it, so that none stays frozen should this one be killed meanwhile. */
  async freeze(ms: number): Promise<void> {
    const { pid } = this.#process;
    const freezing = spawn('sh', ['-c', `kill -STOP ${pid}; sleep ${ms / 1_000}; kill -CONT ${pid}`], { stdio: 'ignore', detached: true });
    await once(freezing, 'exit');
  }

  /** Lets one go on that has frozen itself. */
  thaw(): void {
    this.#process.kill('SIGCONT');
  }

  /** Lets it finish and end; kills it when it does not. */
  async stop(): Promise<void> {
    if (this.#process.connected) this.#process.send('stop', () => {}); // it may be gone: `ended` says so
    const impatience = setTimeout(() => {
      this.#errors += 'it did not stop when it was told to';
      this.#process.kill('SIGKILL');
    }, STOPS_WITHIN_MS);
    await this.ended;
    clearTimeout(impatience);
  }

  #hear(line: string): void {
    if (!line.endsWith('}')) return; // it was killed in the middle of it
    const event = JSON.parse(line) as ToldEvent;
    this.told.set(event.name, (this.told.get(event.name) ?? 0) + 1);
    this.events.push(event);
    if (this.events.length > KEPT_EVENTS) this.events.shift();
    this.#heard(event);
  }
}
