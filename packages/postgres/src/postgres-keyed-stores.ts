import { messageOfClaim } from '@waybill/core';
import type { IdempotencyStore, InboxClaim, InboxStore, Snapshot, SnapshotStore } from '@waybill/core';
import type { PostgresConnection } from './postgres-connection.js';

export class PostgresInbox<Tx> implements InboxStore<Tx> {
  constructor(private readonly connection: PostgresConnection<Tx>) {}

  async claim({ handler, messageId, source, firstAttemptAt, lane }: InboxClaim, tx: Tx): Promise<boolean> {
    if (lane) {
      const [answer] = await this.connection.queryIn<{ is_new: string }>(
        tx,
        `
        select ${this.connection.schema}.claim_under_lane($1::text, $2::text, $3::text, $4::text::double precision, $5::text, $6::text::integer,
          $7::text::bigint, $8::text::uuid)::text as is_new`,
        [
          ...[handler, messageId, source, String(firstAttemptAt.getTime()), lane.route, String(lane.lane), String(lane.epoch)],
          uuidOrNull(messageOfClaim(messageId)),
        ],
      );
      return answer!.is_new === 'true';
    }
    const claimed = await this.connection.queryIn(
      tx,
      `
      insert into ${this.connection.schema}.inbox (handler, message_id, source, first_attempt_at)
      values ($1::text, $2::text, $3::text, to_timestamp($4::text::double precision / 1000))
      on conflict do nothing
      returning handler`,
      [handler, messageId, source, String(firstAttemptAt.getTime())],
    );
    return claimed.length > 0;
  }

  async claimed(handler: string, messageId: string, tx?: NoInfer<Tx>): Promise<boolean> {
    const text = `
      select handler
      from ${this.connection.schema}.inbox
      where handler = $1::text and message_id = $2::text`;
    const values = [handler, messageId];
    const rows = await (tx === undefined ? this.connection.query(text, values) : this.connection.queryIn(tx, text, values));
    return rows.length > 0;
  }
}

export class PostgresIdempotency<Tx> implements IdempotencyStore<Tx> {
  constructor(private readonly connection: PostgresConnection<Tx>) {}

  async claim(key: string, tx: Tx): Promise<string | undefined> {
    const { schema } = this.connection;
    const claimed = await this.connection.queryIn(
      tx,
      `insert into ${schema}.idempotency (key) values ($1::text) on conflict do nothing returning key`,
      [key],
    );
    if (claimed.length > 0) return undefined;
    const [first] = await this.connection.queryIn<{ outcome: string }>(
      tx,
      `select outcome::text as outcome from ${schema}.idempotency where key = $1::text`,
      [key],
    );
    return first!.outcome;
  }

  async record(key: string, outcome: string, tx: Tx): Promise<void> {
    await this.connection.queryIn(tx, `update ${this.connection.schema}.idempotency set outcome = $2::text::json where key = $1::text`, [
      key,
      outcome,
    ]);
  }
}

export class PostgresSnapshots<Tx> implements SnapshotStore<Tx> {
  constructor(private readonly connection: PostgresConnection<Tx>) {}

  async load(stream: string, version: number, tx: Tx): Promise<Snapshot | undefined> {
    const [row] = await this.connection.queryIn<{ revision: string; state: string }>(
      tx,
      `
      select revision::text as revision, state::text as state
      from ${this.connection.schema}.snapshot
      where stream = $1::text and version = $2::integer`,
      [stream, version],
    );
    return row && { stream, version, revision: BigInt(row.revision), state: row.state };
  }

  async save({ stream, version, revision, state }: Snapshot, tx: Tx): Promise<void> {
    await this.connection.queryIn(
      tx,
      `
      insert into ${this.connection.schema}.snapshot as kept (stream, version, revision, state)
      values ($1::text, $2::integer, $3::text::bigint, $4::text::json)
      on conflict (stream, version) do update set revision = excluded.revision, state = excluded.state
      where kept.revision < excluded.revision`,
      [stream, version, String(revision), state],
    );
  }
}

/** Of a claim whose id is no outbox message's own: it goes by age. */
const uuidOrNull = (text: string): string | null => (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text) ? text : null);
