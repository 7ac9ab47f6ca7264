import { setTimeout as sleep } from 'node:timers/promises';
import { startDispatcher } from './dispatcher-child.js';
import type { ChildOrder } from './dispatcher-child.js';
import type { FaultProxy } from './fault-proxy.js';
import type { ForkedProgram } from './forked-program.js';

/** What is different about one life of an instance. */
export type Life = Pick<ChildOrder, 'crashAt' | 'clockOffByMs' | 'hoggedPool'>;

const EVENTS_TO_TELL = 25;
const STARTS_WITHIN_MS = 30_000;

/** One of the dispatchers, over all its lives: when its process ends, whatever the reason, another one is started under its name. */
export class Instance {
  kills = 0;
  /** Ends that nobody ordered, and halted lanes, each with what the process told last. */
  readonly surprises: string[] = [];
  readonly #toldBefore = new Map<string, number>();
  #child: ForkedProgram;
  #next: Life = {};
  #isOver = false;

  constructor(
    private readonly order: ChildOrder,
    /** Its way to the database. */
    readonly network: FaultProxy,
  ) {
    this.#child = this.#start();
  }

  get name(): string {
    return this.order.instance;
  }

  get isRunning(): boolean {
    return this.#child.isRunning;
  }

  told(name: string): number {
    return (this.#toldBefore.get(name) ?? 0) + (this.#child.told.get(name) ?? 0);
  }

  /** Resolves once the process that there is now delivers, or the one after it. */
  async running(): Promise<void> {
    for (const giveUpAt = performance.now() + STARTS_WITHIN_MS; !this.#child.isRunning; await sleep(10)) {
      if (performance.now() > giveUpAt || this.surprises.length > 0)
        throw new Error([`${this.order.instance} did not start.`, ...this.surprises, ...this.#lastEvents(this.#child)].join('\n'));
    }
  }

  /** SIGKILL; resolves when it is dead. The next one is started at once. */
  async kill(next: Life = {}): Promise<void> {
    this.#next = next;
    await this.#child.kill();
  }

  /** SIGSTOP, and SIGCONT after so many milliseconds; resolves then. */
  freeze(ms: number): Promise<void> {
    return this.#child.freeze(ms);
  }

  /** Something went wrong: keeps what the process told last. */
  blame(what: string): void {
    this.#surprise(this.#child, what);
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    const child = this.#child;
    await child.stop();
    if (child.ending !== 'exit code 0') this.#surprise(child, `did not stop as it should: ${child.ending}`);
  }

  async close(): Promise<void> {
    this.#isOver = true;
    await this.#child.kill();
    await this.network.close();
  }

  #start(): ForkedProgram {
    const child: ForkedProgram = startDispatcher({ ...this.order, ...this.#next }, () => this.#surprise(child, 'has halted a lane'));
    this.#next = {};
    void child.ended.then(() => {
      this.#remember(child);
      if (this.#isOver) return;
      if (child.ending === 'SIGKILL') this.kills++;
      else this.#surprise(child, `ended by itself: ${child.ending}`);
      this.#child = this.#start();
    });
    return child;
  }

  #remember(child: ForkedProgram): void {
    for (const [name, times] of child.told) this.#toldBefore.set(name, (this.#toldBefore.get(name) ?? 0) + times);
    child.told.clear();
  }

  #surprise(child: ForkedProgram, what: string): void {
    this.surprises.push([`${this.order.instance} ${what}; it told last:`, ...this.#lastEvents(child)].join('\n'));
  }

  #lastEvents({ events }: ForkedProgram): readonly string[] {
    return events
      .filter(({ name }) => name !== 'delivered')
      .slice(-EVENTS_TO_TELL)
      .map((event) => `  ${JSON.stringify(event)}`);
  }
}
