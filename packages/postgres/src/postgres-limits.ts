import { checkedLimit } from '@waybill/core';
import type { LimitAnswer, LimitRequest, SharedLimits } from '@waybill/core';
import type { PostgresConnection } from './postgres-connection.js';

interface PermitColumns {
  readonly refused_by: 'concurrency' | 'rate' | null;
  readonly wait_ms: string | null;
}

/** A limit is a row with its token bucket, and a row for each permit in use. Who asks for one name waits for each other, for a moment. */
export class PostgresLimits implements SharedLimits {
  readonly #take: string;
  readonly #release: string;

  constructor(private readonly connection: PostgresConnection<never>) {
    const { schema } = connection;
    this.#take = `
      select refused_by, wait_ms::text as wait_ms
      from ${schema}.take_permit($1::text, $2::text::uuid, $3::text::double precision, $4::text::integer,
        $5::text::double precision, $6::text::double precision, $7::text::double precision)`;
    this.#release = `delete from ${schema}.shared_permit where name = $1::text and permit::text = $2::text`;
  }

  async acquire(request: LimitRequest): Promise<LimitAnswer> {
    const { name, permit, permitMs, concurrency, rate } = checkedLimit(request);
    const numbers = [permitMs, concurrency, rate?.limit, rate?.perMs, rate?.burst];
    const values = [name, permit, ...numbers.map((number) => (number === undefined ? null : String(number)))];
    const [told] = await this.connection.query<PermitColumns>(this.#take, values);
    const { refused_by: by, wait_ms: waitMs } = told!;
    return by === null ? { granted: true } : { granted: false, by, waitMs: Math.ceil(Number(waitMs)) };
  }

  async release(name: string, permit: string): Promise<void> {
    await this.connection.query(this.#release, [name, permit.toLowerCase()]);
  }
}
