import type { Pool } from 'pg';
import { delay, systemClock } from '@waybill/core';
import { lostAgainstAnother, translateOwn } from './postgres-errors.js';
import { poolTransactions } from './postgres-transactions.js';
import type { PostgresTx } from './postgres-tx.js';

/** Times that is repeated what the server gave up in favour of another one. */
const MOST_CONFLICTS = 20;
const LONGEST_PAUSE_MS = 20;

/** Statements on Waybill's tables: outside any transaction through the application's pool, inside one through its handle. */
export class PostgresConnection<Tx> {
  constructor(
    readonly pool: Pool,
    /** Quoted, ready to stand before a table's name. */
    readonly schema: string,
    /** As it was given. */
    readonly schemaName: string,
    readonly lanes: number,
    private readonly handle: (tx: Tx) => PostgresTx,
  ) {}

  /** A statement by itself. Where the default isolation level lets it lose against another one, it is repeated: it has changed nothing. */
  async query<Row extends object>(text: string, values: readonly unknown[] = []): Promise<readonly Row[]> {
    return repeated(async () => (await this.pool.query<Row>(text, [...values])).rows);
  }

  /** A transaction in which each statement sees what others have committed by then, whatever the default isolation level. */
  async readCommitted<Result>(work: (tx: PostgresTx) => Promise<Result>): Promise<Result> {
    try {
      return await this.#inReadCommitted(work);
    } catch (error) {
      throw translateOwn(error);
    }
  }

  /**
   * The same, repeated as a whole where it loses against another one: two that wait for each other.
   *
   * @param lockedMs - longest wait for each lock that somebody else has, in milliseconds
   * @throws {@link TransactionConflictError} a lock was not to be had by then
   */
  repeatedReadCommitted<Result>(lockedMs: number, work: (tx: PostgresTx) => Promise<Result>): Promise<Result> {
    return repeated(() => this.#inReadCommitted(work, `; set local lock_timeout = ${lockedMs}`));
  }

  async queryIn<Row extends object>(tx: Tx, text: string, values: readonly unknown[]): Promise<readonly Row[]> {
    try {
      return (await this.handle(tx).query<Row>(text, values)).rows;
    } catch (error) {
      throw translateOwn(error);
    }
  }

  #inReadCommitted<Result>(work: (tx: PostgresTx) => Promise<Result>, settings = ''): Promise<Result> {
    return poolTransactions(this.pool).run(async (tx) => {
      await tx.query(`set transaction isolation level read committed${settings}`);
      return work(tx);
    });
  }
}

async function repeated<Result>(act: () => Promise<Result>): Promise<Result> {
  for (let conflicts = 0; ; conflicts++) {
    try {
      return await act();
    } catch (error) {
      if (!lostAgainstAnother(error) || conflicts === MOST_CONFLICTS) throw translateOwn(error);
      await delay(systemClock, Math.random() * LONGEST_PAUSE_MS);
    }
  }
}
