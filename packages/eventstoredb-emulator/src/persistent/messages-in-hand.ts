import type { CompetingMessage } from './competing-message.js';
import type { Consumer } from './consumer.js';

interface InHand {
  readonly message: CompetingMessage;
  readonly consumer: Consumer;
  readonly dueAt: number;
}

/** The messages that consumers have and nobody has answered yet. */
export class MessagesInHand {
  readonly #byId = new Map<string, InHand>();

  get size(): number {
    return this.#byId.size;
  }

  has(id: string): boolean {
    return this.#byId.has(id);
  }

  *messages(): Generator<CompetingMessage> {
    for (const { message } of this.#byId.values()) yield message;
  }

  /** @param timeoutMs - time for the answer; 0 for any */
  give(message: CompetingMessage, consumer: Consumer, timeoutMs: number): void {
    this.#byId.set(message.id, { message, consumer, dueAt: timeoutMs > 0 ? performance.now() + timeoutMs : Infinity });
    consumer.deliver(message);
  }

  /** Takes a message out of its consumer's hands; `undefined` when nobody has it. */
  take(id: string): CompetingMessage | undefined {
    const inHand = this.#byId.get(id);
    if (!inHand) return undefined;
    this.#byId.delete(id);
    inHand.consumer.release(id);
    return inHand.message;
  }

  overdue(now: number): string[] {
    return [...this.#byId].filter(([, { dueAt }]) => dueAt <= now).map(([id]) => id);
  }
}
