import type { Database } from '@waybill/core';

/**
 * What a kit needs of an adapter: some ports over one store, and something of the application's own beside them.
 *
 * A suite opens one fixture and gives every test streams, routes and keys of its own, so `open` may take its time. Up to ten
 * transactions are open at once: let a connection pool have twelve connections.
 *
 * @typeParam Port - the ports that the kit looks at, by their names in `Database`
 */
export interface Fixture<Tx, Port extends keyof Database<Tx>> {
  readonly database: Pick<Database<Tx>, Port>;

  /** Something else written in the same transaction, e.g. a row of a table of the application. */
  write(key: string, tx: Tx): Promise<void>;

  /** The keys of every committed {@link Fixture.write}. */
  written(): Promise<readonly string[]>;

  /** The same ports over the same store, as another process would open them. Default: the first ones again. */
  another?(): Promise<Pick<Database<Tx>, Port>>;

  /** Closes what `open` and `another` opened; nothing may keep the process alive afterwards. */
  close(): Promise<void>;
}

/** What {@link databaseContract} needs: every port of a database adapter. */
export interface DatabaseFixture<Tx> extends Fixture<Tx, keyof Database<Tx>> {
  readonly database: Database<Tx>;

  /** Loses the answer to the next commit: the request is carried out first, or never arrives. Needed where `losesAnswers` is declared. */
  loseNextCommit?(request: 'carried-out' | 'lost'): void;
}

/** In what adapters may differ and still be right. */
export interface Capabilities {
  /** Does the second of two transactions that append to one stream wait, and fail at its append? Or may both append, and one fail at its commit? */
  readonly conflicts: 'at-append' | 'at-commit';
  /** Do several processes share the data? */
  readonly processes: boolean;
  /** Can the fixture lose the answer to a commit? Default false: what becomes of such a commit is then not tested. */
  readonly losesAnswers?: boolean;
}
