import type { CompetingMessage } from './competing-message.js';

/** Messages that no consumer has: those to be delivered again first, in the order of the source, then what was read. */
export class WaitingMessages {
  readonly #again: CompetingMessage[] = [];
  readonly #read: CompetingMessage[] = [];

  get again(): readonly CompetingMessage[] {
    return this.#again;
  }

  get read(): readonly CompetingMessage[] {
    return this.#read;
  }

  get size(): number {
    return this.#again.length + this.#read.length;
  }

  addRead(message: CompetingMessage): void {
    this.#read.push(message);
  }

  /** Parked messages go to the end; others before those that were read after them. */
  addAgain(message: CompetingMessage): void {
    const behind = message.replayed ? -1 : this.#again.findIndex(({ replayed, sequence }) => !replayed && sequence > message.sequence);
    this.#again.splice(behind < 0 ? this.#again.length : behind, 0, message);
  }

  /** Offers every message in turn, until one is answered with `full`; takes out those that were `sent`. @returns how many */
  offer(offer: (message: CompetingMessage) => 'sent' | 'skip' | 'full'): number {
    let sent = 0;
    for (const messages of [this.#again, this.#read]) {
      for (let index = 0; index < messages.length;) {
        const answer = offer(messages[index]!);
        if (answer === 'full') return sent;
        if (answer === 'skip') index += 1;
        else messages.splice(index, 1);
        if (answer === 'sent') sent += 1;
      }
    }
    return sent;
  }
}
