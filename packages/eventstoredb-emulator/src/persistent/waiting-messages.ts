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
  offer(offer: Offer): number {
    const again = offerInTurn(this.#again, offer);
    return again.isFull ? again.sent : again.sent + offerInTurn(this.#read, offer).sent;
  }
}

type Offer = (message: CompetingMessage) => 'sent' | 'skip' | 'full';

function offerInTurn(messages: CompetingMessage[], offer: Offer): { readonly sent: number; readonly isFull: boolean } {
  const skipped: CompetingMessage[] = [];
  let offered = 0;
  let isFull = false;
  for (const message of messages) {
    const answer = offer(message);
    isFull = answer === 'full';
    if (isFull) break;
    offered += 1;
    if (answer === 'skip') skipped.push(message);
  }
  const sent = offered - skipped.length;
  if (sent > 0) messages.splice(0, offered, ...skipped); // once, not for each: the row may be long
  return { sent, isFull };
}
