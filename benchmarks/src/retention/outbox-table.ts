import { randomUUID } from 'node:crypto';
import { streamHash } from '@waybill/core';
import type { PostgresDatabase } from '@waybill/postgres';
import type { Pool } from 'pg';
import { PAYLOAD } from '../order.js';

/** What both contenders do with a table of the outbox's shape. */
export class OutboxTable {
  #filled = 0;

  constructor(
    readonly pool: Pool,
    readonly database: PostgresDatabase,
  ) {}

  /** By one statement: to append each would take hours. Ten messages of a stream in a row, as busy aggregates make them. */
  async insert(rows: number, days: number): Promise<void> {
    await this.pool.query(
      `insert into waybill.outbox
         (lane, stream_hash, stream, revision, id, kind, type, schema_version, codec, payload, metadata, occurred_at, recorded_at)
       select n / 10 % 16, n / 10, 'order-' || n / 10, n % 10, gen_random_uuid(), 'event', 'OrderPlaced', 1, 'json', $3::json, $4::json,
         now() - $5::integer * interval '1 day', now() - $5::integer * interval '1 day'
       from generate_series($1::integer, $2::integer) as n
       order by n`,
      [this.#filled, this.#filled + rows - 1, JSON.stringify(PAYLOAD), JSON.stringify({ correlationId: randomUUID() }), days],
    );
    this.#filled += rows;
  }

  async commit(): Promise<void> {
    const stream = `now-${randomUUID()}`;
    const message = { id: randomUUID(), kind: 'event', type: 'OrderPlaced', schemaVersion: 1, codec: 'json' } as const;
    const content = { payload: JSON.stringify(PAYLOAD), metadata: { correlationId: randomUUID() }, occurredAt: new Date() };
    const append = {
      stream,
      hash: streamHash(stream),
      expected: 'no-stream',
      adopt: false,
      messages: [{ ...message, ...content }],
    } as const;
    await this.database.transactions.run((tx) => this.database.outbox.append([append], tx));
  }

  async idle(): Promise<() => Promise<void>> {
    const reader = await this.pool.connect();
    await reader.query('begin isolation level repeatable read');
    await reader.query('select count(*) from waybill.outbox where lane = 0 and position < 1000');
    return async () => {
      await reader.query('commit');
      reader.release();
    };
  }
}
