import type { Appended, HeadAndTail, MessageToAppend, OutboxStore, StoredMessage, StreamAppend } from '@waybill/core';
import type { PostgresConnection } from './postgres-connection.js';
import { MESSAGE_COLUMNS, storedMessage } from './message-columns.js';
import type { MessageColumns } from './message-columns.js';

/** Appends in one statement: a function moves the heads and inserts the rows. */
export class PostgresOutbox<Tx> implements OutboxStore<Tx> {
  readonly #append: string;
  readonly #headAndTail: string;

  constructor(private readonly connection: PostgresConnection<Tx>) {
    const { schema } = connection;
    this.#append = `
      select place::text as place, first_revision, transaction_id
      from ${schema}.append($1::text::json, $2::text::json)
      order by place`;
    // The head comes with every row of the tail, and alone where there is none: one statement, one look.
    this.#headAndTail = `
      select head.revision::text as head, ${MESSAGE_COLUMNS}
      from ${schema}.stream as head
      left join ${schema}.outbox as o on o.stream = head.stream and o.revision >= $2::text::bigint
      where head.stream = $1::text
      order by o.revision`;
  }

  async append(appends: readonly StreamAppend[], tx: Tx): Promise<Appended> {
    if (appends.length === 0) return { transactionId: await this.#transactionId(tx), firstRevisions: [] };
    const streams = appends.map(streamFields);
    const messages = appends.flatMap((append, index) =>
      append.messages.map((message, ordinal) => messageFields(append, message, index + 1, ordinal)),
    );
    const values = [JSON.stringify(streams), JSON.stringify(messages)];
    const rows = await this.connection.queryIn<{ first_revision: string; transaction_id: string }>(tx, this.#append, values);
    return { transactionId: rows[0]!.transaction_id, firstRevisions: rows.map((row) => BigInt(row.first_revision)) };
  }

  async headAndTail(stream: string, from: bigint, tx: Tx): Promise<HeadAndTail> {
    const rows = await this.connection.queryIn<MessageColumns & { head: string }>(tx, this.#headAndTail, [stream, String(from)]);
    const tail = rows.flatMap((row): StoredMessage[] => (row.id === null ? [] : [storedMessage(row)]));
    return { head: rows[0] && BigInt(rows[0].head), tail };
  }

  async #transactionId(tx: Tx): Promise<string> {
    const [row] = await this.connection.queryIn<{ id: string }>(tx, 'select pg_current_xact_id()::text as id', []);
    return row!.id;
  }
}

function streamFields({ stream, expected, adopt, messages }: StreamAppend, index: number): object {
  const mode = expected === 'any' ? 'any' : expected === 'no-stream' ? 'new' : adopt ? 'adopt' : 'exact';
  return { place: index + 1, stream, mode, messages: messages.length, ...(typeof expected === 'bigint' && { expected: String(expected) }) };
}

// Payload and metadata travel as JSON text within JSON: their own escapes, \u0000 and half surrogates included, are then never
// looked at by the server, and what was written is what is stored.
function messageFields({ stream, hash }: StreamAppend, message: MessageToAppend, place: number, ordinal: number): object {
  const { id, kind, type, schemaVersion, codec, payload, metadata, aggregate, occurredAt } = message;
  return {
    ...{ place, ordinal, hash, stream, id, kind, type, version: schemaVersion, codec, payload, metadata: JSON.stringify(metadata) },
    ...{ aggregate_type: aggregate?.type, aggregate_id: aggregate?.id, occurred_ms: occurredAt.getTime() },
  };
}
