import { TransactionConflictError } from '@waybill/core';
import type { ArrivalPlace, ArrivalStore, LastArrival } from '@waybill/core';
import type { PostgresConnection } from './postgres-connection.js';

/** One row a stream, which whoever records locks until its transaction ends. */
export class PostgresArrivals<Tx> implements ArrivalStore<Tx> {
  constructor(private readonly connection: PostgresConnection<Tx>) {}

  async last({ receiver, source, stream }: ArrivalPlace, tx: Tx): Promise<LastArrival | undefined> {
    const [row] = await this.connection.queryIn<{ revision: string; epoch: string | null }>(
      tx,
      `
      select revision::text as revision, epoch::text as epoch
      from ${this.connection.schema}.arrival
      where receiver = $1::text and source = $2::text and stream = $3::text`,
      [receiver, source, stream],
    );
    return row && { revision: BigInt(row.revision), epoch: row.epoch === null ? undefined : BigInt(row.epoch) };
  }

  async record(
    { receiver, source, stream }: ArrivalPlace,
    { revision, epoch }: LastArrival,
    tx: Tx,
    after?: bigint | 'none',
  ): Promise<void> {
    // greatest() leaves nulls out: an arrival that tells no epoch takes none away.
    const recorded = await this.connection.queryIn(
      tx,
      `
      insert into ${this.connection.schema}.arrival as kept (receiver, source, stream, revision, epoch)
      values ($1::text, $2::text, $3::text, $4::text::bigint, $5::text::bigint)
      on conflict (receiver, source, stream) do update
      set revision = greatest(kept.revision, excluded.revision), epoch = greatest(kept.epoch, excluded.epoch), arrived_at = excluded.arrived_at
      where $6::text is null or $6::text = kept.revision::text
      returning receiver`,
      [receiver, source, stream, String(revision), epoch === undefined ? null : String(epoch), after === undefined ? null : String(after)],
    );
    if (recorded.length === 0) throw new TransactionConflictError(`another message of ${stream} arrived in between`);
  }
}
