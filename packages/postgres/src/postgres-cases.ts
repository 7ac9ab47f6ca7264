import type { CaseKind, CaseQuery, CaseStore, OpenCase, RecordedCase } from '@waybill/core';
import { plainJson, plainText } from './plain-text.js';
import type { PostgresConnection } from './postgres-connection.js';

interface CaseColumns {
  readonly id: string;
  readonly kind: CaseKind;
  readonly handler: string;
  readonly message_id: string | null;
  readonly message_type: string;
  readonly message_stream: string;
  readonly message_revision: string;
  readonly process_key: string | null;
  readonly process_step: string;
  readonly correlation_id: string | null;
  readonly detail: string;
  readonly opened_ms: string;
  readonly closed_ms: string | null;
  readonly closed_by: string;
  readonly close_reason: string;
}

/** A case is a row, also once it is closed. */
export class PostgresCases<Tx> implements CaseStore<Tx> {
  constructor(private readonly connection: PostgresConnection<Tx>) {}

  async open({ id, kind, of, message, process, correlationId, detail }: OpenCase, tx: Tx): Promise<void> {
    const columns = {
      ...{ id, kind, handler: of, process_key: process?.key, process_step: process?.step, correlation_id: correlationId, detail },
      ...{ message_id: message?.id, message_type: message?.type, message_stream: message?.stream, message_revision: message?.revision },
    };
    await this.connection.queryIn(
      tx,
      `
      insert into ${this.connection.schema}.open_case (id, kind, handler, message_id, message_type, message_stream, message_revision, process_key, process_step, correlation_id, detail)
      select c.id, c.kind, c.handler, c.message_id, c.message_type, c.message_stream, c.message_revision, c.process_key, c.process_step, c.correlation_id, c.detail
      from json_to_record($1::text::json) as c (id text, kind text, handler text, message_id text, message_type text, message_stream text, message_revision bigint,
        process_key text, process_step text, correlation_id text, detail text)
      on conflict do nothing`,
      [plainJson(columns)],
    );
  }

  async find({ id, state, kind, of, most }: CaseQuery): Promise<readonly RecordedCase[]> {
    const rows = await this.connection.query<CaseColumns>(
      `
      select id, kind, handler, message_id, message_type, message_stream, message_revision::text as message_revision, process_key, process_step,
        correlation_id, detail, (extract(epoch from opened_at) * 1000)::bigint::text as opened_ms,
        (extract(epoch from closed_at) * 1000)::bigint::text as closed_ms, closed_by, close_reason
      from ${this.connection.schema}.open_case
      where ($2::text is null or id = $2::text) and ($3::text is null or kind = $3::text) and ($4::text is null or handler = $4::text)
        and ($5::text is null or (closed_at is null) = ($5::text = 'open'))
      order by opened_at
      limit $1::text::integer`,
      [String(most), id, kind, of, state],
    );
    return rows.map(caseOf);
  }

  async close(id: string, { by, reason }: { readonly by: string; readonly reason: string }, tx: Tx): Promise<boolean> {
    const closed = await this.connection.queryIn(
      tx,
      `
      update ${this.connection.schema}.open_case
      set closed_at = clock_timestamp(), closed_by = $2::text, close_reason = $3::text
      where id = $1::text and closed_at is null
      returning id`,
      [id, plainText(by), plainText(reason)],
    );
    return closed.length > 0;
  }
}

function caseOf(row: CaseColumns): RecordedCase {
  const { message_id, message_stream, message_type, process_key, process_step, closed_ms } = row;
  return {
    ...{ id: row.id, kind: row.kind, of: row.handler, correlationId: row.correlation_id ?? undefined, detail: row.detail },
    message:
      message_id === null
        ? undefined
        : { id: message_id, type: message_type, stream: message_stream, revision: BigInt(row.message_revision) },
    process: process_key === null ? undefined : { key: process_key, step: process_step },
    openedAt: new Date(Number(row.opened_ms)),
    closed: closed_ms === null ? undefined : { at: new Date(Number(closed_ms)), by: row.closed_by, reason: row.close_reason },
  };
}
