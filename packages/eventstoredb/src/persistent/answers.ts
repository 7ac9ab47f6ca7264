import { delay } from '@waybill/core';
import type { Clock } from '@waybill/core';
import { plainDetail } from '../connection/plain-detail.js';
import { within } from '../connection/within.js';
import { EventStoreDBUnavailableError } from '../eventstoredb-errors.js';
import type { Connection, Delivered } from './group.js';

export interface AnswersOptions {
  readonly connection: Connection;
  /** Begins the sentence of an error. */
  readonly name: string;
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** Any question to the server: once it is answered, what was written before it has left this process. */
  readonly ask: () => Promise<unknown>;
}

// How long a consumer that stops may take to answer what it has in hand, and the server to take the answers.
const LAST_ANSWERS_MS = 1_000;

/** The way back of one connection: what was handed out over it is answered over it, and over no other. */
export class Answers {
  readonly #options: AnswersOptions;
  readonly #open = new Set<Delivered>();
  #whenAllAnswered = (): void => {};
  #isEnded = false;
  #hasAnswered = false;

  constructor(options: AnswersOptions) {
    this.#options = options;
    const { connection } = options;
    // One that we destroy has an error too, and may still carry answers.
    connection.on('error', () => (this.#isEnded ||= !connection.destroyed));
  }

  expect(delivered: Delivered): void {
    this.#open.add(delivered);
  }

  ack(delivered: Delivered): Promise<void> {
    return this.#answer(delivered, () => this.#options.connection.ack(delivered));
  }

  nack(action: 'retry' | 'park', reason: string, delivered: Delivered): Promise<void> {
    return this.#answer(delivered, () => this.#options.connection.nack(action, reason, delivered));
  }

  /** Ends the call, once all is answered, or nobody answers any more: what is left is handed out to others. */
  async end(): Promise<void> {
    const { connection, clock, ask } = this.#options;
    if (this.#open.size > 0 && !this.#isEnded) {
      const stop = new AbortController();
      this.#whenAllAnswered = () => stop.abort();
      await delay(clock, LAST_ANSWERS_MS, stop.signal);
    }
    // What was answered last may not have been sent yet, and the end of the call would take it back.
    if (this.#hasAnswered && !this.#isEnded) await within(ask(), { clock, ms: LAST_ANSWERS_MS, what: 'answer' }).catch(() => {});
    this.#isEnded = true;
    await connection.unsubscribe();
  }

  async #answer(delivered: Delivered, answer: () => Promise<void>): Promise<void> {
    const { name, clock, timeoutMs } = this.#options;
    if (!this.#open.has(delivered)) return;
    if (this.#isEnded)
      throw new EventStoreDBUnavailableError(`${name}: the connection over which it came has ended; it is handed out again`);
    try {
      await within(answer(), { clock, ms: timeoutMs, what: 'room for an answer' });
    } catch (cause) {
      throw new EventStoreDBUnavailableError(`${name}: ${plainDetail((cause as Error).message)}; the message is handed out again`, {
        cause,
      });
    }
    this.#hasAnswered = true;
    this.#open.delete(delivered);
    if (this.#open.size === 0) this.#whenAllAnswered();
  }
}
