import { TargetUnavailableError } from '../errors.js';
import type { Arrival, UnreadableMessage } from '../receiver/arrival.js';
import type { ArrivedMessage } from '../receiver/arrived-message.js';
import type { Received, Receiver } from '../receiver/receiver.js';
import { Bell } from '../bell.js';

export interface InMemoryReceiverOptions {
  /** Default `in-memory`. */
  readonly name?: string;
  /** A message that was asked for again so often is parked instead. Default 10. */
  readonly maxRetries?: number;
}

/** A message that was set aside. */
export interface ParkedArrival {
  readonly id: string;
  readonly reason: string;
}

interface Waiting {
  readonly arrival: Arrival;
  readonly redeliveries: number;
}

/** A queue for competing consumers in tests: it remembers what was acknowledged, hands out again what was not, and can break. */
export class InMemoryReceiver implements Receiver {
  readonly name: string;
  readonly #maxRetries: number;
  readonly #waiting: Waiting[] = [];
  readonly #parked: (ParkedArrival & Waiting)[] = [];
  readonly #acked: string[] = [];
  readonly #changed = new Bell();
  #isBroken = false;
  #inFlight = 0;

  constructor({ name = 'in-memory', maxRetries = 10 }: InMemoryReceiverOptions = {}) {
    this.name = name;
    this.#maxRetries = maxRetries;
  }

  /** Ids of what was acknowledged, in that order. */
  get acked(): readonly string[] {
    return this.#acked;
  }

  get parked(): readonly ParkedArrival[] {
    return this.#parked.map(({ id, reason }) => ({ id, reason }));
  }

  /** Handed out, and not answered yet. */
  get inFlight(): number {
    return this.#inFlight;
  }

  send(...messages: readonly ArrivedMessage[]): void {
    for (const message of messages) this.#enqueue({ arrival: { kind: 'message', message }, redeliveries: 0 });
  }

  /** Something that can be no message, as another program might send it. */
  sendUnreadable(unreadable: UnreadableMessage): void {
    this.#enqueue({ arrival: { kind: 'unreadable', unreadable }, redeliveries: 0 });
  }

  /** Hands out what is parked once more. */
  replayParked(): void {
    for (const { arrival } of this.#parked.splice(0)) this.#enqueue({ arrival, redeliveries: 0 });
  }

  /** From now on nobody can reach it; who receives is cut off, and what was not answered is handed out again. */
  break(): void {
    this.#isBroken = true;
    this.#changed.cut();
  }

  heal(): void {
    this.#isBroken = false;
    this.#changed.ring();
  }

  async *receive({ signal }: { readonly signal: AbortSignal }): AsyncIterable<Received> {
    const connection = this.#changed.connection();
    const unanswered = new Set<Waiting>();
    // At once, and not when the consumer asks for its next: the others shall have them.
    const giveBack = (): void => {
      for (const waiting of unanswered) this.#enqueue({ ...waiting, redeliveries: waiting.redeliveries + 1 });
      this.#inFlight -= unanswered.size;
      unanswered.clear();
    };
    const ended = connection.ended(signal);
    ended.addEventListener('abort', giveBack, { once: true });
    try {
      while (!signal.aborted) {
        if (this.#isBroken || connection.wasCut()) throw this.#cutOff();
        const waiting = this.#waiting.shift();
        if (!waiting) {
          await this.#changed.next(signal);
          continue;
        }
        unanswered.add(waiting);
        this.#inFlight++;
        yield this.#received(waiting, unanswered, connection);
      }
    } finally {
      ended.removeEventListener('abort', giveBack);
      giveBack();
    }
  }

  #received(waiting: Waiting, unanswered: Set<Waiting>, connection: { wasCut(): boolean }): Received {
    const { arrival, redeliveries } = waiting;
    const { id } = arrival.kind === 'message' ? arrival.message : arrival.unreadable;
    const answer = async (act: () => void): Promise<void> => {
      if (connection.wasCut() || !unanswered.has(waiting)) throw this.#cutOff();
      unanswered.delete(waiting);
      this.#inFlight--;
      act();
    };
    const park = (reason: string): void => void this.#parked.push({ ...waiting, id, reason });
    return {
      arrival,
      redeliveries,
      ack: () => answer(() => this.#acked.push(id)),
      retry: (reason) =>
        answer(() => (redeliveries < this.#maxRetries ? this.#enqueue({ arrival, redeliveries: redeliveries + 1 }) : park(reason))),
      park: (reason) => answer(() => park(reason)),
    };
  }

  #enqueue(waiting: Waiting): void {
    this.#waiting.push(waiting);
    this.#changed.ring();
  }

  #cutOff(): TargetUnavailableError {
    return new TargetUnavailableError(`Receiver ${this.name}`, 'the connection is gone');
  }
}
