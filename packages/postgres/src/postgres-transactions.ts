import { CommitOutcomeUnknownError, DatabaseUnavailableError, TransactionRolledBackError, delay, systemClock } from '@waybill/core';
import type { TransactionRunner } from '@waybill/core';
import type { Pool, PoolClient } from 'pg';
import { checkOut } from './check-out.js';
import { isConnectionError, translate } from './postgres-errors.js';
import type { ForeignTransactions, PostgresTx } from './postgres-tx.js';

const LONGEST_LOOK_MS = 30_000;
const LOOK_AGAIN_MS = 100;
const IN_THE_FUTURE = '22023'; // invalid parameter value: an id that this server has not given yet

/** Transactions on the application's pool, at its default isolation level. */
export function poolTransactions(pool: Pool): ForeignTransactions<PostgresTx> {
  return {
    handle: (tx) => tx,
    run: async (work) => {
      const { client, release } = await checkOut(pool);
      let broken: Error | undefined;
      try {
        await client.query('begin');
        const result = await work(client);
        const { command } = await client.query('commit');
        // PostgreSQL answers `commit` of a failed transaction with ROLLBACK, and no error.
        if (command !== 'COMMIT') throw new TransactionRolledBackError();
        return result;
      } catch (error) {
        broken = await rollback(client, error);
        throw error;
      } finally {
        release(broken);
      }
    },
  };
}

/** @returns the error when the connection cannot be used again */
async function rollback(client: PoolClient, error: unknown): Promise<Error | undefined> {
  if (isConnectionError(error)) return error as Error;
  try {
    await client.query('rollback');
    return undefined;
  } catch (lost) {
    return lost as Error;
  }
}

/** Runs transactions and finds out what became of those whose answer was lost. */
export class PostgresTransactions<Tx> implements TransactionRunner<Tx> {
  readonly #statusText: string;

  constructor(
    private readonly pool: Pool,
    private readonly transactions: Pick<ForeignTransactions<Tx>, 'run'>,
    /** Quoted. */
    schema: string,
  ) {
    this.#statusText = `
      select pg_xact_status($1::text::xid8) as status,
        exists (select from ${schema}.outbox where transaction_id = $1::text::xid8 and id = $2::text::uuid)::text as stored,
        coalesce((select removed_before > clock_timestamp() - interval '${LONGEST_LOOK_MS * 2} milliseconds' from ${schema}.identity), false)::text as removed`;
  }

  async run<Result>(work: (tx: Tx) => Promise<Result>, signal?: AbortSignal): Promise<Result> {
    signal?.throwIfAborted();
    let committing = false;
    try {
      return await this.transactions.run(async (tx) => {
        committing = false; // a query builder may run it again
        const result = await work(tx);
        signal?.throwIfAborted();
        committing = true;
        return result;
      });
    } catch (error) {
      if (committing && isConnectionError(error)) throw new CommitOutcomeUnknownError(undefined, { cause: error });
      throw translate(error);
    }
  }

  async outcome(transactionId: string, signal?: AbortSignal): Promise<'committed' | 'rolled-back' | 'unknown'> {
    const deadline = systemClock.monotonic() + LONGEST_LOOK_MS;
    while (!signal?.aborted && systemClock.monotonic() < deadline) {
      const status = await this.#status(transactionId);
      if (status === 'committed') return 'committed';
      if (status === 'aborted') return 'rolled-back';
      if (status === 'forgotten') return 'unknown';
      await delay(systemClock, LOOK_AGAIN_MS, signal); // still in progress, or the server is not back yet
    }
    return 'unknown';
  }

  async #status(transactionId: string): Promise<string> {
    try {
      const [id, messageId] = transactionId.split(' ');
      const { rows } = await this.pool.query<{ status: string | null; stored: string; removed: string }>(this.#statusText, [id, messageId]);
      const { status, stored, removed } = rows[0]!;
      const ours = messageId === undefined || stored === 'true'; // or a transaction that got the id again after a crash
      if (status !== 'committed' || ours) return status ?? 'forgotten';
      return removed === 'true' ? 'forgotten' : 'aborted'; // the message may be gone already, where so young ones are removed
    } catch (error) {
      if (translate(error) instanceof DatabaseUnavailableError) return 'unreachable';
      if ((error as { code?: unknown }).code === IN_THE_FUTURE) return 'forgotten'; // by a standby that had lagged and is the primary now
      throw error;
    }
  }
}
