import type { PostgresConnection } from '../postgres-connection.js';
import type { PostgresTx } from '../postgres-tx.js';

/**
 * One transaction in which nobody else migrates, adopts or changes lanes, and nobody writes to the outbox or settles a lane. It may take its
 * time, whatever the application's limits.
 */
export function maintain<Result>(connection: PostgresConnection<never>, work: (tx: PostgresTx) => Promise<Result>): Promise<Result> {
  const { schema, schemaName } = connection;
  return connection.readCommitted(async (tx) => {
    await tx.query('set local statement_timeout = 0');
    await tx.query('select pg_advisory_xact_lock(hashtextextended($1::text, 0))::text', [`waybill migrations of ${schemaName}`]);
    await tx.query(`lock table ${schema}.route, ${schema}.outbox, ${schema}.lane in share row exclusive mode`);
    return work(tx);
  });
}
