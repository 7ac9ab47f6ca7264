import type { Delivery, OutboxMessage, Sink } from '@waybill/core';
import { Tally } from './tally.js';

/** Accepts everything and counts it. */
export class TallySink implements Sink {
  readonly tally = new Tally();

  async deliver(batch: readonly OutboxMessage[]): Promise<Delivery> {
    for (const { stream, revision } of batch) this.tally.take(stream, Number(revision));
    return { accepted: batch.length };
  }
}
