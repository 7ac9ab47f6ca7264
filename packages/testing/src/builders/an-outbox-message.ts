import { randomUUID } from 'node:crypto';
import { Catalogue, outboxMessage } from '@waybill/core';
import type { Checkpoint, OutboxMessage, OutboxRow } from '@waybill/core';
import { aMessage } from './a-message.js';

const nobodysCatalogue = new Catalogue([]);

/** A valid committed message, as sinks get it: `anOutboxMessage('order-7', 3n)`. */
export function anOutboxMessage(stream: string, revision: bigint, overrides: Partial<OutboxRow> = {}): OutboxMessage {
  const { type, ...message } = aMessage();
  const row: OutboxRow = {
    ...{ ...message, type, id: randomUUID(), stream, revision, position: revision + 1n, recordedAt: new Date() },
    checkpoint: {} as Checkpoint,
    ...overrides,
  };
  return outboxMessage(row, nobodysCatalogue);
}

/** So many messages of a stream, the first at `from`. */
export function messagesOf(stream: string, count: number, from = 0n): readonly OutboxMessage[] {
  return Array.from({ length: count }, (_, nth) => anOutboxMessage(stream, from + BigInt(nth), { payload: JSON.stringify({ n: nth }) }));
}
