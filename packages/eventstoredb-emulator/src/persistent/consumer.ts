import type { Failure } from '../wire/statuses.js';
import type { CompetingMessage } from './competing-message.js';

/** What a group asks of the call behind a consumer. */
export interface ConsumerCall {
  readonly from: string;
  readonly connectionName: string;
  /** Messages that it takes before it has answered any. */
  readonly bufferSize: number;
  send(message: CompetingMessage): void;
  end(failure: Failure): void;
}

/** One of the clients that compete for a group's messages, with the messages that it has not answered yet. */
export class Consumer {
  readonly #inHand = new Set<string>();
  #delivered = 0;

  constructor(readonly call: ConsumerCall) {}

  get freeSlots(): number {
    return this.call.bufferSize - this.#inHand.size;
  }

  get inHand(): ReadonlySet<string> {
    return this.#inHand;
  }

  get delivered(): number {
    return this.#delivered;
  }

  deliver(message: CompetingMessage): void {
    this.#inHand.add(message.id);
    this.#delivered += 1;
    this.call.send(message);
  }

  release(id: string): void {
    this.#inHand.delete(id);
  }
}
