import type { Delivery, DeliveryFailure, OutboxMessage, Reply } from '@waybill/core';
import { excerptOf } from './target-answer.js';
import type { TargetAnswer } from './target-answer.js';

/** What has come of the messages of a batch so far. */
export class Tally {
  readonly #accepted = new Set<number>();
  readonly #failures = new Map<number, DeliveryFailure>();
  readonly #replies: Reply[] = [];
  #firstAnswer: TargetAnswer | undefined;
  #answers = 0;
  readonly #statuses = new Set<number>();

  constructor(private readonly batch: readonly OutboxMessage[]) {}

  accept(from: number, count: number, answer?: TargetAnswer): void {
    for (let index = from; index < from + count; index++) this.#accepted.add(index);
    if (answer === undefined || count === 0) return;
    this.#firstAnswer ??= answer;
    this.#answers += 1;
    this.#statuses.add(answer.status);
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
    const answer = this.#firstAnswer && { answer: this.#summary(this.#firstAnswer) };
    if (open === -1) return { accepted: this.batch.length, ...replies, ...answer };
    const acceptedBeyond = [...this.#accepted].filter((index) => index > open).sort((one, other) => one - other);
    const failure = this.#failures.get(open) ?? unsent(this.batch[open]!);
    return { accepted: open, failure, ...(acceptedBeyond.length > 0 && { acceptedBeyond }), ...replies, ...answer };
  }

  /** Of one message what its target said; of many how they were answered. */
  #summary(first: TargetAnswer): string {
    return this.#answers === 1 ? excerptOf(first) : [...this.#statuses].join(', ');
  }
}
