import type { DeliveryContext, OutboxMessage } from '@waybill/core';
import type { Target } from './target.js';

/** Another process may have sent it, to whichever target it used. */
export const ANYWHERE = 'anywhere';
/** Where a message may have been done without anybody knowing. */
export type Doubt = Target | typeof ANYWHERE;

interface Lane {
  readonly epoch: bigint;
  /** Of the messages of the last delivery: what is known of each. */
  readonly known: ReadonlyMap<string, Doubt | undefined>;
}

/**
 * What this process knows, beyond the lane's general warning, of the messages that it tried to deliver: most of a batch that failed was never
 * sent, and what was, went to one target. Kept for the last delivery of each lane, and good as long as nobody else has held the lane in between.
 */
export class Doubts {
  readonly #lanes = new Map<string, Lane>();

  of(message: OutboxMessage, { route, lane, epoch, mayBeRepeat }: DeliveryContext): Doubt | undefined {
    if (!mayBeRepeat) return undefined; // nobody doubts, or a person has said to send
    const remembered = this.#lanes.get(keyOf(route, lane));
    if (remembered?.epoch !== epoch || !remembered.known.has(message.id)) return ANYWHERE;
    return remembered.known.get(message.id);
  }

  remember({ route, lane, epoch }: DeliveryContext, known: ReadonlyMap<string, Doubt | undefined>): void {
    this.#lanes.set(keyOf(route, lane), { epoch, known });
  }
}

const keyOf = (route: string, lane: number): string => `${lane} ${route}`;
