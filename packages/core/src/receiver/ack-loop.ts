import { Bell } from '../bell.js';
import { delay } from '../clock.js';
import type { Clock } from '../clock.js';
import { backoffMs } from '../backoff.js';
import type { RetryOptions } from '../backoff.js';
import type { Reached } from '../moment.js';
import { endOf } from '../subscription/cut-short.js';
import type { Arrival } from './arrival.js';
import type { ReceiverEvents } from './consumer-events.js';
import type { Received, Receiver } from './receiver.js';

/** What is to be answered to a delivery. `outage`: nothing yet, for it is nobody's fault. */
export type Verdict =
  | { readonly kind: 'ack' }
  | { readonly kind: 'retry' | 'park'; readonly reason: string }
  | { readonly kind: 'outage'; readonly error: unknown };

/** What is known of a delivery's earlier tries, and how long this one may take. */
export interface Tries {
  readonly attempt: number;
  /** True when it was delivered before, or begun with before an outage. */
  readonly mayBeRepeat: boolean;
  readonly signal: AbortSignal;
}

export interface AckLoopOptions {
  readonly name: string;
  readonly receiver: Receiver;
  readonly concurrency: number;
  readonly retry: RetryOptions;
  /** Handles one delivery; does not reject. */
  readonly handle: (arrival: Arrival, tries: Tries) => Promise<Verdict>;
  readonly tell: <Name extends keyof ReceiverEvents>(name: Name, event: ReceiverEvents[Name]) => void;
  readonly clock: Clock;
  readonly random: () => number;
  readonly reached: Reached | undefined;
}

/**
 * Receives, handles and answers, so many side by side, until it is stopped; receives anew when the source was away.
 *
 * No more is asked for than can be handled at once. What is not answered is delivered again, so an answer is given only when it is certain.
 */
export class AckLoop {
  readonly #underWay = new Set<Promise<void>>();
  readonly #freed = new Bell();
  #failures = 0;

  constructor(private readonly options: AckLoopOptions) {}

  get inFlight(): number {
    return this.#underWay.size;
  }

  /** True while the source cannot be reached. */
  get isWaiting(): boolean {
    return this.#failures > 0;
  }

  /**
   * @param stopping - aborts when no more is to be begun
   * @param cut - aborts when what is under way is to be cut short
   */
  async run(stopping: AbortSignal, cut: AbortSignal): Promise<void> {
    const { name, retry, clock, random, tell } = this.options;
    while (!stopping.aborted) {
      try {
        await this.#receive(stopping, cut);
        if (!stopping.aborted) throw new Error(`receiver ${this.options.receiver.name} has ended by itself`);
      } catch (error) {
        if (stopping.aborted) return;
        const waitMs = backoffMs(++this.#failures, retry, random);
        tell('outage', { consumer: name, error, waitMs });
        await delay(clock, waitMs, stopping);
      }
    }
  }

  /** One connection. When no more is to be begun, it stays until what came by it is answered. */
  async #receive(stopping: AbortSignal, cut: AbortSignal): Promise<void> {
    const { receiver, concurrency, clock } = this.options;
    const connection = new AbortController();
    const deliveries = receiver.receive({ signal: connection.signal })[Symbol.asyncIterator]();
    try {
      while (!stopping.aborted) {
        while (this.#underWay.size >= concurrency && !stopping.aborted) await this.#freed.next(stopping);
        if (stopping.aborted) return;
        const next = await unlessStopped(deliveries.next(), stopping);
        if (!next || next.done === true) return;
        this.#failures = 0;
        this.#begin(next.value, stopping, cut);
      }
    } finally {
      // What came by a connection that was lost goes on: it may commit, and its claim is found when it is delivered again.
      if (stopping.aborted) await endOf(this.#allAnswered(), cut, clock);
      connection.abort();
    }
  }

  async #allAnswered(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  #begin(received: Received, stopping: AbortSignal, cut: AbortSignal): void {
    const underWay = this.#answer(received, stopping, cut).catch(() => {}); // not answered: it is delivered again
    this.#underWay.add(underWay);
    void underWay.then(() => {
      this.#underWay.delete(underWay);
      this.#freed.ring();
    });
  }

  async #answer(received: Received, stopping: AbortSignal, cut: AbortSignal): Promise<void> {
    const { name, tell, retry, clock, random, reached } = this.options;
    const { arrival, redeliveries } = received;
    const { id: messageId, type } = arrival.kind === 'message' ? arrival.message : arrival.unreadable;
    const told = { consumer: name, messageId, type };
    await reached?.('received');
    const verdict = await this.#handled(received, stopping, cut);
    if (!verdict) return;
    if (verdict.kind === 'ack') {
      await received.ack();
      await reached?.('acked');
      return tell('acked', told);
    }
    const { reason } = verdict;
    if (verdict.kind === 'park') {
      await received.park(reason);
      return tell('parked', { ...told, reason });
    }
    // Held back here, so that it does not come again at once.
    await delay(clock, backoffMs(redeliveries + 1, retry, random), stopping);
    await received.retry(reason);
    tell('retried', { ...told, reason });
  }

  /** Handles it, again after each outage until no more is to be begun; `undefined`: it is not answered, and will be delivered again. */
  async #handled(
    { arrival, redeliveries }: Received,
    stopping: AbortSignal,
    cut: AbortSignal,
  ): Promise<Exclude<Verdict, { kind: 'outage' }> | undefined> {
    const { name, handle, retry, clock, random, tell } = this.options;
    for (let outages = 0; !cut.aborted;) {
      const verdict = await handle(arrival, { attempt: redeliveries + 1, mayBeRepeat: redeliveries + outages > 0, signal: cut });
      if (verdict.kind !== 'outage') return verdict;
      if (stopping.aborted) return undefined;
      const waitMs = backoffMs(++outages, retry, random);
      tell('outage', { consumer: name, error: verdict.error, waitMs });
      await delay(clock, waitMs, stopping);
    }
    return undefined;
  }
}

/** `undefined` once `stopping` aborts. Leaves nothing behind at the signal, which outlives many deliveries and connections. */
async function unlessStopped<Next>(next: Promise<Next>, stopping: AbortSignal): Promise<Next | undefined> {
  let stop = (): void => {};
  const stopped = new Promise<undefined>((resolve) => (stop = () => resolve(undefined)));
  if (stopping.aborted) stop();
  else stopping.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([next, stopped]);
  } finally {
    stopping.removeEventListener('abort', stop);
  }
}
