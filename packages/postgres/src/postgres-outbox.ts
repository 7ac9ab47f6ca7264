import { SKIPPED_TYPE } from '@waybill/core';
import type { Appended, HeadAndTail, OutboxStore, StoredMessage, StreamAppend } from '@waybill/core';
import { appendStatement, appendValues } from './append-statement.js';
import type { PostgresConnection } from './postgres-connection.js';
import { MESSAGE_COLUMNS, storedMessage } from './message-columns.js';
import type { MessageColumns } from './message-columns.js';

interface TailColumns extends MessageColumns {
  readonly head: string;
  readonly placeholder: string | null;
}

/** Appends in one statement: a function moves the heads and inserts the rows. */
export class PostgresOutbox<Tx> implements OutboxStore<Tx> {
  readonly #append: string;
  readonly #headAndTail: string;

  constructor(private readonly connection: PostgresConnection<Tx>) {
    const { schema } = connection;
    this.#append = appendStatement(schema);
    // The head comes with every row of the tail, and alone where there is none: one statement, one look.
    this.#headAndTail = `
      select head.revision::text as head, ${MESSAGE_COLUMNS}, o.placeholder::text as placeholder
      from ${schema}.stream as head
      left join ${schema}.outbox as o on o.stream = head.stream and o.revision >= $2::text::bigint
      where head.stream = $1::text
      order by o.revision`;
  }

  async append(appends: readonly StreamAppend[], tx: Tx): Promise<Appended> {
    if (appends.length === 0) return { transactionId: await this.#transactionId(tx), firstRevisions: [] };
    const [row] = await this.connection.queryIn<{ appended: string }>(tx, this.#append, appendValues(appends));
    const [transactionId, ...firstRevisions] = row!.appended.split(' ');
    // With a message of it, for a crash lets ids be given again.
    return { transactionId: `${transactionId!} ${appends[0]!.messages[0]!.id}`, firstRevisions: firstRevisions.map(BigInt) };
  }

  async headAndTail(stream: string, from: bigint, tx: Tx): Promise<HeadAndTail> {
    const rows = await this.connection.queryIn<TailColumns>(tx, this.#headAndTail, [stream, String(from)]);
    const tail = rows.flatMap((row): StoredMessage[] => (row.id === null ? [] : [tailMessage(row)]));
    return { head: rows[0] && BigInt(rows[0].head), tail };
  }

  async #transactionId(tx: Tx): Promise<string> {
    const [row] = await this.connection.queryIn<{ id: string }>(tx, 'select pg_current_xact_id()::text as id', []);
    return row!.id;
  }
}

const tailMessage = (row: TailColumns): StoredMessage =>
  row.placeholder === 'true' ? { ...storedMessage(row), type: SKIPPED_TYPE } : storedMessage(row);
