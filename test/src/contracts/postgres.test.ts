import { PostgresDatabase } from '@waybill/postgres';
import type { ForeignTransactions, PostgresOptions, PostgresTx } from '@waybill/postgres';
import { databaseContract } from '@waybill/testing';
import type { DatabaseFixture } from '@waybill/testing';
import { CompiledQuery, Kysely, PostgresDialect } from 'kysely';
import type { Transaction } from 'kysely';
import { Pool } from 'pg';
import { CommitCutter } from '../postgres/commit-cutter.js';
import { postgresDatabase, throughPgBouncer } from '../servers.js';

type Options = Omit<PostgresOptions, 'pool'>;

function poolOn(url: string): Pool {
  const pool = new Pool({ connectionString: url, max: 20 });
  pool.on('error', () => {}); // connections are cut on purpose
  return pool;
}

/** A migrated database reached through `url`; what it says of itself in `side_note` is the application's own. */
async function fixtureOn<Tx>(
  url: string,
  build: (pool: Pool) => { readonly database: PostgresDatabase<Tx>; readonly handle: (tx: Tx) => PostgresTx },
): Promise<DatabaseFixture<Tx>> {
  const pools: Pool[] = [];
  const open = (): ReturnType<typeof build> => {
    const pool = poolOn(url);
    pools.push(pool);
    return build(pool);
  };
  const { database, handle } = open();
  await database.migrate();
  await pools[0]!.query('create table side_note (key text)');
  return {
    database,
    write: async (key, tx) => void (await handle(tx).query('insert into side_note values ($1)', [key])),
    written: async () => (await pools[0]!.query<{ key: string }>('select key from side_note')).rows.map(({ key }) => key),
    another: async () => open().database,
    close: async () => void (await Promise.all(pools.map((pool) => pool.end()))),
  };
}

const plain =
  (options: Options = {}) =>
  (pool: Pool): { database: PostgresDatabase; handle: (tx: PostgresTx) => PostgresTx } => ({
    database: new PostgresDatabase({ pool, ...options }),
    handle: (tx) => tx,
  });

databaseContract(
  'postgres',
  async () => {
    const cutter = await CommitCutter.before(await postgresDatabase());
    const fixture = await fixtureOn(cutter.url, plain());
    return {
      ...fixture,
      loseNextCommit: (request) => cutter.cutNextCommit(request),
      close: async () => {
        await fixture.close();
        await cutter.close();
      },
    };
  },
  { conflicts: 'at-append', processes: true, losesAnswers: true },
);

databaseContract(
  'postgres in a schema that needs quoting',
  async () => fixtureOn(await postgresDatabase(), plain({ schema: `We"ird 'Näme'.x`, lanes: 4 })),
  {
    conflicts: 'at-append',
    processes: true,
  },
);

describe('behind PgBouncer in transaction mode', () => {
  // Asked inside the suite: without a PgBouncer there is nothing to hold to the contract, and the line printed says so.
  databaseContract(
    'postgres through PgBouncer',
    async () => {
      const url = await postgresDatabase();
      return fixtureOn((await throughPgBouncer(url)) ?? url, plain({ listen: { connectionString: url } }));
    },
    { conflicts: 'at-append', processes: true },
  );
});

interface Tables {
  readonly side_note: { readonly key: string };
}

databaseContract(
  'postgres with transactions of Kysely',
  async () =>
    fixtureOn<Transaction<Tables>>(await postgresDatabase(), (pool) => {
      const kysely = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
      const transactions: ForeignTransactions<Transaction<Tables>> = {
        run: (work) => kysely.transaction().execute(work),
        handle: (transaction) => ({
          query: async <Row extends object>(text: string, values: readonly unknown[] = []) =>
            transaction.executeQuery<Row>(CompiledQuery.raw(text, [...values])),
        }),
      };
      return { database: new PostgresDatabase<Transaction<Tables>>({ pool, transactions }), handle: transactions.handle };
    }),
  { conflicts: 'at-append', processes: true },
);
