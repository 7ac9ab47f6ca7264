import type { Delivery, DeliveryFailure, OutboxMessage, Reply } from '@waybill/core';
import { excerptOf } from './target-answer.js';
import type { TargetAnswer } from './target-answer.js';

/** What has come of the messages of a batch so far. */
export class Tally {
  readonly #accepted = new Set<number>();
  readonly #failures = new Map<number, DeliveryFailure>();
  readonly #replies: Reply[] = [];
  readonly #answers: TargetAnswer[] = [];

  constructor(private readonly batch: readonly OutboxMessage[]) {}

  accept(from: number, count: number, answer?: TargetAnswer): void {
    for (let index = from; index < from + count; index++) this.#accepted.add(index);
    if (answer && count > 0) this.#answers.push(answer);
  }

  reply(reply: Reply): void {
    this.#replies.push(reply);
  }

  fail(index: number, failure: DeliveryFailure): void {
    this.#failures.set(index, failure);
  }

  /** @param unsent - what is to be said of one that nothing was done about any more */
  delivery(unsent: (message: OutboxMessage) => DeliveryFailure): Delivery {
    const open = this.batch.findIndex((_, index) => !this.#accepted.has(index));
    const replies = this.#replies.length > 0 && { replies: this.#replies };
    const answer = this.#answers.length > 0 && { answer: this.#summary() };
    if (open === -1) return { accepted: this.batch.length, ...replies, ...answer };
    const acceptedBeyond = [...this.#accepted].filter((index) => index > open).sort((one, other) => one - other);
    const failure = this.#failures.get(open) ?? unsent(this.batch[open]!);
    return { accepted: open, failure, ...(acceptedBeyond.length > 0 && { acceptedBeyond }), ...replies, ...answer };
  }

  /** Of one message what its target said; of many how they were answered. */
  #summary(): string {
    const [only, ...others] = this.#answers;
    if (others.length === 0) return excerptOf(only!);
    return [...new Set(this.#answers.map(({ status }) => status))].join(', ');
  }
}
