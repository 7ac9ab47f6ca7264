import type { RemoveOptions, Retention } from '@waybill/core';
import type { PostgresConnection } from './postgres-connection.js';

interface RemovedColumns {
  readonly removed: string;
  readonly lane: string;
  readonly place: string;
}

/** Removes in chunks, by functions that look for the proof and delete in one short transaction. */
export class PostgresRetention implements Retention {
  readonly #messages: string;
  readonly #history: string;
  readonly #claims: string;
  /** Where the last call ended: only a hint, for every call goes in a circle where it must. */
  #next: Pick<RemovedColumns, 'lane' | 'place'> = { lane: '0', place: '0' };
  #nextClaim = '-infinity';

  constructor(private readonly connection: PostgresConnection<never>) {
    const { schema } = connection;
    this.#messages = `
      select removed::text as removed, lane_number::text as lane, place::text as place
      from ${schema}.remove_messages($1::text::double precision, $2::integer, $3::text::integer, $4::text::bigint)`;
    this.#claims = `
      select removed::text as removed, place::text as place
      from ${schema}.remove_claims($1::text::double precision, $2::integer, $3::text::timestamptz)`;
    this.#history = `select ${schema}.remove_history($1::text::double precision, $2::integer)::text as removed`;
  }

  async removeMessages({ olderThanMs, most }: RemoveOptions): Promise<number> {
    const { lane, place } = this.#next;
    const [answer] = await this.#call<RemovedColumns>(this.#messages, [String(olderThanMs), most, lane, place]);
    this.#next = answer!;
    return Number(answer!.removed);
  }

  async removeClaims({ olderThanMs, most }: RemoveOptions): Promise<number> {
    const [answer] = await this.#call<{ removed: string; place: string }>(this.#claims, [String(olderThanMs), most, this.#nextClaim]);
    this.#nextClaim = answer!.place;
    return Number(answer!.removed);
  }

  async removeHistory({ olderThanMs, most }: RemoveOptions): Promise<number> {
    const [answer] = await this.#call<{ removed: string }>(this.#history, [String(olderThanMs), most]);
    return Number(answer!.removed);
  }

  // The proof is looked for after a lock, and has to be that moment's; nor should a serializable writer fail because of it.
  #call<Row extends object>(text: string, values: readonly unknown[]): Promise<readonly Row[]> {
    return this.connection.readCommitted(async (tx) => (await tx.query<Row>(text, values)).rows);
  }
}
