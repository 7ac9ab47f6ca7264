import { ChildProgram } from '@waybill/example-flights/child-program';
import { EventEmitter, once } from 'node:events';
import type { Death, Ready } from './child-orders.js';

/** Runs a service, one process after another. */
export class ServiceHost<Order extends { readonly death?: Death }> {
  /** Emits `died` when a process ended that nobody had asked to end, with the signal or exit code. */
  readonly events = new EventEmitter<{ died: [string] }>();
  #child: ChildProgram<Ready> | undefined;

  constructor(
    private readonly program: URL,
    private readonly order: Order,
  ) {}

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /**
   * Resolves when it works.
   *
   * @param more - beside what all its processes are told
   * @throws Error it ended before
   */
  async start(more: Partial<Order> = {}): Promise<Ready> {
    const starting = new EventEmitter<{ ready: [Ready]; died: [string] }>();
    let isReady = false;
    this.#child = new ChildProgram<Ready>({
      program: this.program,
      order: { ...this.order, ...more },
      hear: (ready) => {
        isReady = true;
        starting.emit('ready', ready);
      },
      onDied: (how) => (isReady || more.death ? this.events : starting).emit('died', how),
    });
    const ready = once(starting, 'ready') as Promise<[Ready]>;
    const died = once(starting, 'died').then(([how]) => Promise.reject(new Error(`${this.program.pathname} ended at its start: ${how}`)));
    const early = once(this.events, 'died').then((): [Ready] => [{ kind: 'ready' }]); // at its death, which came before it was ready
    return (await Promise.race([ready, died, early]))[0];
  }

  /** SIGKILL: no exit hook runs, nothing in hand is finished. */
  async kill(): Promise<void> {
    await this.#child?.kill();
  }

  /** Lets it finish what it has in hand. */
  async stop(): Promise<void> {
    await this.#child?.stop();
  }
}
