import { randomUUID } from 'node:crypto';
import { laneOf, streamHash } from '@waybill/core';
import type { Pool } from 'pg';
import { INSERT_ORDER, PAYLOAD } from './order.js';

const LANES = 16;

/**
 * What a careful person writes with node-postgres alone, into the same tables with the same indexes: the head is locked before the
 * position is drawn. No checks, no unknown outcomes, no wake-ups.
 */
export function commitByHand(pool: Pool, schema: string): (id: string) => Promise<void> {
  const insertOrder = INSERT_ORDER(schema);
  const insertHead = `insert into ${schema}.stream (stream, revision) values ($1, 0) on conflict (stream) do nothing`;
  const insertMessage = `
    insert into ${schema}.outbox (lane, stream_hash, stream, revision, id, kind, type, schema_version, codec, payload, metadata, aggregate_type, aggregate_id, occurred_at)
    values ($1, $2, $3, 0, $4, 'event', 'OrderPlaced', 1, 'json', $5, $6, 'Order', $7, $8)`;

  return async (id) => {
    const stream = `order-${id}`;
    const hash = streamHash(stream);
    const messageId = randomUUID();
    const client = await pool.connect();
    try {
      await client.query('begin');
      await client.query(insertOrder, [id, PAYLOAD.customerId, PAYLOAD.totalCents]);
      const { rowCount } = await client.query(insertHead, [stream]);
      if (rowCount !== 1) throw new Error(`${stream} exists already`);
      const texts = [JSON.stringify(PAYLOAD), JSON.stringify({ correlationId: messageId })];
      await client.query(insertMessage, [laneOf(hash, LANES), hash, stream, messageId, ...texts, id, new Date()]);
      await client.query('commit');
    } catch (error) {
      await client.query('rollback');
      throw error;
    } finally {
      client.release();
    }
  };
}
