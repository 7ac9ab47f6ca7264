import { Dispatcher } from '@waybill/core';
import { InMemorySink } from '@waybill/core/in-memory';
import type { PostgresTx } from '@waybill/postgres';
import { expect } from 'chai';
import { sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import knex from 'knex';
import type { Knex } from 'knex';
import { CompiledQuery, Kysely, PostgresDialect } from 'kysely';
import { Notebook, NoteWritten } from '../shop/notebook.js';
import { openShop } from './postgres-shop.js';
import type { PostgresShop } from './postgres-shop.js';

type Join = (tx: PostgresTx) => Promise<unknown>;

/** Opens a transaction with somebody else's library, joins, and commits or throws. */
interface Builder {
  transaction(join: Join): Promise<unknown>;
  close?(): Promise<unknown>;
}

const builders: Record<string, (shop: PostgresShop) => Builder> = {
  'pg itself': ({ pool }) => ({
    async transaction(join) {
      const client = await pool.connect();
      try {
        await client.query('begin');
        await join(client);
        await client.query('commit');
      } catch (error) {
        await client.query('rollback');
        throw error;
      } finally {
        client.release();
      }
    },
  }),
  Kysely: ({ pool }) => {
    const kysely = new Kysely<Record<string, never>>({ dialect: new PostgresDialect({ pool }) });
    return {
      transaction: (join) =>
        kysely.transaction().execute((transaction) =>
          join({
            query: async <Row extends object>(text: string, values: readonly unknown[] = []) =>
              transaction.executeQuery<Row>(CompiledQuery.raw(text, [...values])),
          }),
        ),
    };
  },
  Drizzle: ({ pool }) => {
    const database = drizzle(pool);
    return {
      transaction: (join) =>
        database.transaction((transaction) =>
          join({
            query: async <Row extends object>(text: string, values: readonly unknown[] = []) => {
              const chunks = text
                .split(/\$(\d+)/)
                .map((part, index) => (index % 2 === 0 ? sql.raw(part) : sql`${sql.param(values[Number(part) - 1] ?? null)}`));
              return { rows: (await transaction.execute(sql.join(chunks))).rows as Row[] };
            },
          }),
        ),
    };
  },
  Knex: ({ url }) => {
    const database: Knex = knex({ client: 'pg', connection: url });
    return {
      transaction: (join) =>
        database.transaction((transaction) =>
          join({
            query: async <Row extends object>(text: string, values: readonly unknown[] = []) => {
              const bindings: unknown[] = [];
              const asked = text
                .replaceAll('?', '\\?')
                .replaceAll(/\$(\d+)/g, (_, number) => (bindings.push(values[Number(number) - 1] ?? null), '?'));
              return transaction.raw<{ rows: Row[] }>(asked, bindings as Knex.RawBinding[]);
            },
          }),
        ),
      close: () => database.destroy(),
    };
  },
};

for (const [name, build] of Object.entries(builders)) {
  describe(`a transaction opened by ${name}`, () => {
    let shop: PostgresShop;
    let builder: Builder;
    before(async () => {
      shop = await openShop();
      builder = build(shop);
    });
    after(async () => {
      await builder.close?.();
      await shop.close();
    });

    it('commits what joined it, and the poll finds it without being told', async () => {
      const sink = new InMemorySink();
      const dispatcher = new Dispatcher({
        database: shop.database,
        catalogue: [NoteWritten],
        routes: { memory: { sink, start: 'now' } },
        pollMs: 50,
      });
      await dispatcher.start();

      let token = '';
      await builder.transaction(async (tx) => {
        const receipt = await shop.unitOfWork.join(tx, async ({ track, append }) => {
          track(new Notebook('7')).write('by another hand');
          append('notes', NoteWritten({ text: 'and a note' }));
        });
        token = receipt.token;
      });

      expect(await dispatcher.delivered(token, 'memory', { timeoutMs: 5_000 })).to.equal('delivered');
      await dispatcher.stop();
    });

    it('loads and goes on inside it', async () => {
      await builder.transaction((tx) => shop.unitOfWork.join(tx, async ({ track }) => track(new Notebook('8')).write('one')));

      await builder.transaction((tx) => shop.unitOfWork.join(tx, async ({ load }) => (await load(Notebook, '8')).write('two')));

      const { result } = await shop.unitOfWork.run(async ({ load }) => (await load(Notebook, '8')).texts);
      expect(result).to.deep.equal(['one', 'two']);
    });

    it('rolls back what joined it', async () => {
      await builder
        .transaction(async (tx) => {
          await shop.unitOfWork.join(tx, async ({ track }) => track(new Notebook('9')).write('gone'));
          throw new Error('changed my mind');
        })
        .catch(() => {});

      const { result } = await shop.unitOfWork.run(async ({ find }) => await find(Notebook, '9'));
      expect(result).to.equal(undefined);
    });

    it('is told of a conflict with the stream and its revisions', async () => {
      await shop.unitOfWork.run(async ({ track }) => track(new Notebook('10')).write('first'));

      const error: unknown = await builder
        .transaction((tx) => shop.unitOfWork.join(tx, async ({ track }) => track(new Notebook('10')).write('second')))
        .catch((thrown: unknown) => thrown);

      expect(error).to.include({ code: 'CONCURRENCY', stream: 'notebook-10', expectedRevision: undefined, actualRevision: 0n });
    });
  });
}
