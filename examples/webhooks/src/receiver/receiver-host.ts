import { EventEmitter, once } from 'node:events';
import { ReceiverChild } from './receiver-child.js';
import type { Count, ReceiverOrder } from './receiver-reports.js';

/** Runs the receiver at one port, one process after another. */
export class ReceiverHost {
  /** Emits `died` when a receiver ended unasked. */
  readonly events = new EventEmitter<{ died: [string] }>();
  #child: ReceiverChild | undefined;
  #port = 0;
  #isUp = false;

  constructor(private readonly order: Omit<ReceiverOrder, 'port' | 'secrets'>) {}

  get isUp(): boolean {
    return this.#isUp;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Where it takes messages. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}/orders`;
  }

  /** What the present process has told of itself last. */
  get count(): Count {
    return this.#child?.count ?? { taken: 0, duplicates: 0, failed: 0 };
  }

  /**
   * Resolves when it listens, at the port of the one before.
   *
   * @throws Error it ended before
   */
  async start({ secrets }: Pick<ReceiverOrder, 'secrets'>): Promise<void> {
    const child = new ReceiverChild({ ...this.order, port: this.#port, secrets });
    this.#child = child;
    child.events.on('died', (what) => this.events.emit('died', what));
    const listening = once(child.events, 'listening') as Promise<[number]>;
    const died = once(child.events, 'died').then(([what]) => Promise.reject(new Error(String(what))));
    [this.#port] = await Promise.race([listening, died]);
    this.#isUp = true;
  }

  /** SIGKILL: no exit hook runs, no request in hand is answered. */
  async kill(): Promise<void> {
    this.#isUp = false;
    await this.#child?.kill();
  }

  /** Lets it answer what it has in hand, and handle what it has accepted. */
  async stop(): Promise<void> {
    this.#isUp = false;
    await this.#child?.stop();
  }
}
