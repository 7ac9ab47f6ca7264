import { randomUUID } from 'node:crypto';
import { streamHash } from '@waybill/core';
import type { Database, StreamAppend } from '@waybill/core';
import { PAYLOAD } from './order.js';

export const STREAMS = 1_000;
const PER_COMMIT = 200;
/** Messages of a stream in a row. */
export const EACH = 10;

export interface Fill {
  /** Of the streams' names. Default `'order'`. */
  readonly prefix?: string;
  /** Whether the messages have their places already, where those are given after the commit. Default true. */
  readonly numbered?: boolean;
}

/** Fills an outbox with so many messages of {@link STREAMS} streams: ten of a stream in a row, as busy aggregates make them. */
export async function fill<Tx>(database: Database<Tx>, messages: number, { prefix = 'order', numbered = true }: Fill = {}): Promise<void> {
  const [payload, metadata] = [JSON.stringify(PAYLOAD), { correlationId: randomUUID() }];
  const append = (nth: number, count: number): StreamAppend => {
    const stream = `${prefix}-${nth % STREAMS}`;
    const message = {
      kind: 'event',
      type: 'OrderPlaced',
      schemaVersion: 1,
      codec: 'json',
      payload,
      metadata,
      occurredAt: new Date(),
    } as const;
    return {
      stream,
      hash: streamHash(stream),
      expected: 'any',
      adopt: false,
      messages: Array.from({ length: count }, () => ({ ...message, id: randomUUID() })),
    };
  };
  for (let filled = 0, nth = 0; filled < messages;) {
    const appends: StreamAppend[] = [];
    while (appends.length < PER_COMMIT && filled < messages) {
      const count = Math.min(EACH, messages - filled);
      appends.push(append(nth++, count));
      filled += count;
    }
    await database.transactions.run((tx) => database.outbox.append(appends, tx));
  }
  if (numbered) await database.wakeUps.pulse();
}
