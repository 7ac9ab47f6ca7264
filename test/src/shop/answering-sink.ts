import { defineEvent } from '@waybill/core';
import type { Delivery, DeliveryContext, OutboxMessage, Reply } from '@waybill/core';
import { z } from 'zod';
import { MoodySink, placeOf } from './moody-sink.js';
import { orderEvents } from './order.js';

/** What its target answered to a message of an order. */
export const Answered = defineEvent('Answered', z.object({ to: z.string(), nth: z.number().int() }));

export const answeredEvents = [...orderEvents, Answered];

/**
 * A sink whose target answers each message that reaches it, also those behind a failed one, with an event in `key-answers`; and that writes down
 * which message it was told to have come before each.
 */
export class AnsweringSink extends MoodySink {
  readonly tellsPrevious = true;
  /** Every message of every call, accepted or not, e.g. `1@2 after 1` or `1@0 after nothing`. */
  readonly told: string[] = [];
  /** How often a message was answered. */
  readonly #answers = new Map<string, number>();
  #replies: (batch: readonly OutboxMessage[]) => readonly Reply[] = (batch) => batch.map((message, to) => this.#answer(message, to));

  /** From now on. */
  answer(replies: (batch: readonly OutboxMessage[]) => readonly Reply[]): void {
    this.#replies = replies;
  }

  override async deliver(batch: readonly OutboxMessage[], context: DeliveryContext): Promise<Delivery> {
    for (const message of batch) this.told.push(`${placeOf(message)} after ${context.previous(message) ?? 'nothing'}`);
    return { ...(await super.deliver(batch, context)), replies: this.#replies(batch) };
  }

  #answer(message: OutboxMessage, to: number): Reply {
    const nth = (this.#answers.get(message.id) ?? 0) + 1;
    this.#answers.set(message.id, nth);
    return { to, orderingKey: 'answers', message: Answered({ to: placeOf(message), nth }) };
  }
}
