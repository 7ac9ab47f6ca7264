import { translateOwn } from '../postgres-errors.js';
import type { PostgresConnection } from '../postgres-connection.js';
import { poolTransactions } from '../postgres-transactions.js';
import type { PostgresTx } from '../postgres-tx.js';

/**
 * One transaction in which nobody else migrates, adopts or changes lanes, and nobody writes to the outbox or settles a lane. It may take its
 * time, whatever the application's limits.
 */
export async function maintain<Result>(
  { pool, schema, schemaName }: PostgresConnection<never>,
  work: (tx: PostgresTx) => Promise<Result>,
): Promise<Result> {
  try {
    return await poolTransactions(pool).run(async (tx) => {
      // Whatever the default: who waited for a lock must see what its holder has done.
      await tx.query('set transaction isolation level read committed');
      await tx.query('set local statement_timeout = 0');
      await tx.query('select pg_advisory_xact_lock(hashtextextended($1::text, 0))::text', [`waybill migrations of ${schemaName}`]);
      await tx.query(`lock table ${schema}.route, ${schema}.outbox, ${schema}.lane in share row exclusive mode`);
      return work(tx);
    });
  } catch (error) {
    throw translateOwn(error);
  }
}
