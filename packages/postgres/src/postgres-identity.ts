import type { Mark, OutboxIdentity } from '@waybill/core';
import type { PostgresConnection } from './postgres-connection.js';

interface MarkColumns {
  readonly outbox_id: string;
  readonly number: string;
  readonly nonce: string;
}

/** The outbox's last mark, in the row that says where it was made. */
export class PostgresIdentity implements OutboxIdentity {
  readonly #mark: string;
  readonly #advance: string;

  constructor(private readonly connection: PostgresConnection<never>) {
    const { schema } = connection;
    this.#mark = `select outbox_id::text as outbox_id, mark_number::text as number, mark_nonce::text as nonce from ${schema}.identity`;
    // On disk before the witness hears of it, whatever the application's setting: a crash that lost it would look like a restore.
    this.#advance = `
      with durable as materialized (
        select case when current_setting('synchronous_commit') = 'off' then set_config('synchronous_commit', 'on', true) end
      )
      update ${schema}.identity
      set mark_number = $4::text::bigint, mark_nonce = $5::text::uuid
      from durable
      where outbox_id = $1::text::uuid and mark_number = $2::text::bigint and mark_nonce = $3::text::uuid
      returning mark_number::text as number`;
  }

  async mark(): Promise<Mark> {
    const [row] = await this.connection.query<MarkColumns>(this.#mark);
    return { outboxId: row!.outbox_id, number: BigInt(row!.number), nonce: row!.nonce };
  }

  async advance(from: Mark, to: Mark): Promise<boolean> {
    const values = [from.outboxId, String(from.number), from.nonce, String(to.number), to.nonce];
    return (await this.connection.query(this.#advance, values)).length === 1;
  }
}
