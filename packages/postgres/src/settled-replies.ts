import { appendsWithout } from '@waybill/core';
import type { StreamAppend } from '@waybill/core';
import { appendStatement, appendValues } from './append-statement.js';
import type { PostgresConnection } from './postgres-connection.js';
import type { PostgresTx } from './postgres-tx.js';
import { uuidArray } from './uuid-array.js';

/** Appends what answers of targets became, unless the outbox has it already. */
export class SettledReplies {
  readonly #append: string;
  readonly #known: string;

  constructor({ schema }: PostgresConnection<never>) {
    this.#append = appendStatement(schema);
    this.#known = `select id::text as id from ${schema}.outbox where id = any ($1::uuid[])`;
  }

  async append(replies: readonly StreamAppend[], tx: PostgresTx): Promise<void> {
    const ids = replies.flatMap(({ messages }) => messages.map(({ id }) => id));
    const { rows } = await tx.query<{ id: string }>(this.#known, [uuidArray(ids)]);
    const missing = appendsWithout(new Set(rows.map(({ id }) => id)), replies);
    if (missing.length > 0) await tx.query(this.#append, [...appendValues(missing)]);
  }
}
