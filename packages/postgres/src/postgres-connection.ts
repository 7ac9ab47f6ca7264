import type { Pool } from 'pg';
import { translateOwn } from './postgres-errors.js';
import type { PostgresTx } from './postgres-tx.js';

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

  async query<Row extends object>(text: string, values: readonly unknown[] = []): Promise<readonly Row[]> {
    try {
      return (await this.pool.query<Row>(text, [...values])).rows;
    } catch (error) {
      throw translateOwn(error);
    }
  }

  async queryIn<Row extends object>(tx: Tx, text: string, values: readonly unknown[]): Promise<readonly Row[]> {
    try {
      return (await this.handle(tx).query<Row>(text, values)).rows;
    } catch (error) {
      throw translateOwn(error);
    }
  }
}
