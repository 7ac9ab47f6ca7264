import { randomUUID } from 'node:crypto';
import { laneOf, streamHash } from '@waybill/core';
import type { Pool } from 'pg';
import { PAYLOAD } from '../order.js';
import { inTransaction } from './in-transaction.js';
import { INSERT_ORDER } from './order-list.js';

const LANES = 16;
const INSERT_HEAD = `insert into waybill.stream (stream, revision) values ($1, 0) on conflict (stream) do nothing`;
const INSERT_MESSAGE = `
  insert into waybill.outbox (lane, stream_hash, stream, revision, id, kind, type, schema_version, codec, payload, metadata, aggregate_type, aggregate_id, occurred_at)
  values ($1, $2, $3, 0, $4, 'event', 'OrderPlaced', 1, 'json', $5, $6, 'Order', $7, $8)`;

/** Into the same tables with the same indexes: the head is locked before the position is drawn. */
export async function commitByHand(pool: Pool, id: string): Promise<void> {
  const stream = `order-${id}`;
  const hash = streamHash(stream);
  const messageId = randomUUID();
  await inTransaction(pool, async (client) => {
    await client.query(INSERT_ORDER, [id, PAYLOAD.customerId, PAYLOAD.totalCents]);
    const { rowCount } = await client.query(INSERT_HEAD, [stream]);
    if (rowCount !== 1) throw new Error(`${stream} exists already`);
    const texts = [JSON.stringify(PAYLOAD), JSON.stringify({ correlationId: messageId })];
    await client.query(INSERT_MESSAGE, [laneOf(hash, LANES), hash, stream, messageId, ...texts, id, new Date()]);
  });
}
