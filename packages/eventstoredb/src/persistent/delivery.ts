import type { Arrival, Received } from '@waybill/core';
import type { Answers } from './answers.js';
import type { Delivered } from './group.js';

/** One message handed out by a group. Of several answers the first counts. */
export class Delivery implements Received {
  readonly redeliveries: number;

  constructor(
    readonly arrival: Arrival,
    private readonly delivered: Delivered,
    private readonly answers: Answers,
  ) {
    this.redeliveries = delivered.retryCount;
  }

  ack(): Promise<void> {
    return this.answers.ack(this.delivered);
  }

  retry(reason: string): Promise<void> {
    return this.answers.nack('retry', reason, this.delivered);
  }

  park(reason: string): Promise<void> {
    return this.answers.nack('park', reason, this.delivered);
  }
}
