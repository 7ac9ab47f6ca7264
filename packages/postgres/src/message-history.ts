import type { AttemptQuery, DeliveryOutcome, MessageQuery, MessageStatus, StoredAttempt } from '@waybill/core';
import type { PostgresConnection } from './postgres-connection.js';
import { firstLines, lanesOfMessage, newestLines, WRITTEN } from './schema/migrations/lane-lines.js';

const DEFAULT_MOST = 100;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

interface StatusColumns {
  readonly message_id: string;
  readonly stream: string;
  readonly revision: string;
  readonly type: string;
  readonly route: string;
  readonly lane: string;
  readonly status: MessageStatus['status'];
  readonly fail_count: string;
  readonly occurred_ms: string;
  readonly processed_ms: string | null;
  readonly failed_ms: string | null;
  readonly error: string | null;
}

interface AttemptColumns {
  readonly route: string;
  readonly lane: string;
  readonly instance: string;
  readonly outcome: DeliveryOutcome;
  readonly batch_size: string;
  readonly started_ms: string;
  readonly duration_ms: string;
  readonly detail: string | null;
}

/** What became of single messages: the view `outbox_status`, and the delivery history. */
export class MessageHistory {
  readonly #one: string;
  readonly #stream: string;
  readonly #attempts: string;

  constructor(private readonly connection: PostgresConnection<never>) {
    const { schema } = connection;
    const lines = (where: string): string => `
      select message_id::text as message_id, stream, revision::text as revision, type, route, lane::text as lane, status, fail_count::text as fail_count,
        ${milliseconds('occurred_at')} as occurred_ms, ${milliseconds('processed_at')} as processed_ms, ${milliseconds('failed_at')} as failed_ms, error
      from ${schema}.outbox_status
      where ${where}
      order by stream, outbox_status.revision, route collate "C"`;
    this.#one = lines('message_id = $1::text::uuid');
    // Revisions have no hole, so that the last one wanted can be told from the first.
    this.#stream = lines(`stream = $1::text and revision >= $2::text::bigint and revision < (
        select min(o.revision) + $3::text::bigint from ${schema}.outbox as o where o.stream = $1::text and o.revision >= $2::text::bigint
      )`);
    // Of a message that was removed nothing says where and when it was tried: all lines are looked through.
    this.#attempts = `
      with message as materialized (
        select o.id, o.lane, o.stream_hash, o.recorded_at from ${schema}.outbox as o where o.id = $1::text::uuid
      ), tried as (
        select h.* from ${schema}.delivery_history as h where h.message_ids[1] = $1::text::uuid and h.outcome <> 'delivered'
        union all
        select line.*
        from message as o
        join ${schema}.route as r on $2::text is null or r.route = $2::text
        cross join lateral ${lanesOfMessage(schema)} as was
        cross join lateral (
          select * from ${firstLines(schema, WRITTEN)} as first
          union
          select * from ${newestLines(schema)} as newest
        ) as line
        union all
        select h.*
        from ${schema}.delivery_history as h
        where h.outcome = 'delivered' and $1::text::uuid = any (h.message_ids) and not exists (select from message)
      )
      select r.route, tried.lane::text as lane, tried.instance, tried.outcome, cardinality(tried.message_ids)::text as batch_size,
        ${milliseconds('tried.started_at')} as started_ms, tried.duration_ms::text as duration_ms, tried.detail
      from tried
      join ${schema}.route as r on r.number = tried.route_number
      where $2::text is null or r.route = $2::text
      order by tried.at desc
      limit $3::text::bigint`;
  }

  async messages(query: MessageQuery): Promise<readonly MessageStatus[]> {
    if ('stream' in query) {
      const { stream, from = 0n, most = DEFAULT_MOST } = query;
      return (await this.connection.query<StatusColumns>(this.#stream, [stream, String(from), String(most)])).map(statusOf);
    }
    return UUID.test(query.messageId) ? (await this.connection.query<StatusColumns>(this.#one, [query.messageId])).map(statusOf) : [];
  }

  async attempts({ messageId, route, most = DEFAULT_MOST }: AttemptQuery): Promise<readonly StoredAttempt[]> {
    if (!UUID.test(messageId)) return [];
    const rows = await this.connection.query<AttemptColumns>(this.#attempts, [messageId, route, String(most)]);
    return rows.map((row) => ({
      ...{ route: row.route, lane: Number(row.lane), instance: row.instance, outcome: row.outcome, batchSize: Number(row.batch_size) },
      ...{ startedAt: new Date(Number(row.started_ms)), durationMs: Number(row.duration_ms), detail: row.detail ?? undefined },
    }));
  }
}

const milliseconds = (column: string): string => `(extract(epoch from ${column}) * 1000)::bigint::text`;
const dateOf = (ms: string | null): Date | undefined => (ms === null ? undefined : new Date(Number(ms)));

const statusOf = (row: StatusColumns): MessageStatus => ({
  ...{ messageId: row.message_id, stream: row.stream, revision: BigInt(row.revision), type: row.type, route: row.route },
  ...{ lane: Number(row.lane), status: row.status, failCount: Number(row.fail_count), occurredAt: new Date(Number(row.occurred_ms)) },
  ...{ processedAt: dateOf(row.processed_ms), failedAt: dateOf(row.failed_ms), error: row.error ?? undefined },
});
