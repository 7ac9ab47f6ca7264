import { Dispatcher, UnitOfWork } from '@waybill/core';
import { startPostgres } from '@waybill/local-servers';
import type { LocalPostgres } from '@waybill/local-servers';
import { PostgresDatabase } from '@waybill/postgres';
import { eventually } from '@waybill/testing';
import { expect } from 'chai';
import { Pool } from 'pg';
import { emulated } from '../eventstoredb/emulated.js';
import type { Emulated } from '../eventstoredb/emulated.js';
import { failureOf } from '../shop/failure-of.js';
import { Notebook, NoteWritten } from '../shop/notebook.js';

interface Site {
  readonly database: PostgresDatabase;
  write(notebook: string, ...texts: string[]): Promise<void>;
  /** With a witness, unless told otherwise. */
  dispatcher(options?: { readonly witness?: false }): Dispatcher<'eventstoredb'>;
}

describe('a snapshot of the disk of a running PostgreSQL', function () {
  this.timeout(60_000);
  let servers: LocalPostgres[];
  let events: Emulated;
  let databaseUrl: string;
  let original: Site;
  const pools: Pool[] = [];
  before(function () {
    if (process.env['POSTGRES_URL']) this.skip(); // somebody's server, whose disk may be elsewhere
  });
  beforeEach(async () => {
    servers = [await startPostgres()];
    events = await emulated();
    databaseUrl = await servers[0]!.createDatabase();
    original = siteAt(databaseUrl);
    await original.database.migrate();
  });
  afterEach(async () => {
    await Promise.all(pools.splice(0).map((pool) => pool.end()));
    await Promise.all(servers.map((server) => server.stop()));
    await events.close();
  });

  function siteAt(connectionString: string): Site {
    const pool = new Pool({ connectionString });
    pool.on('error', () => {});
    pools.push(pool);
    const database = new PostgresDatabase({ pool, listen: false, lanes: 4 });
    const unitOfWork = new UnitOfWork({ database, catalogue: [NoteWritten], history: events.eventstore.history });
    return {
      database,
      write: async (notebook, ...texts) => {
        await unitOfWork.run(async ({ find, track }) => {
          const one = (await find(Notebook, notebook)) ?? new Notebook(notebook);
          for (const text of texts) one.write(text);
          track(one);
        });
      },
      dispatcher: ({ witness } = {}) =>
        new Dispatcher({
          database,
          catalogue: [NoteWritten],
          routes: { eventstoredb: { sink: events.eventstore.sink } },
          witnessEveryMs: 20,
          pollMs: 20,
          ...(witness !== false && { witness: events.eventstore.witness }),
        }),
    };
  }
  async function snapshot(): Promise<Site> {
    const url = new URL(databaseUrl);
    const server = new URL(servers[0]!.url);
    server.pathname = '/postgres';
    const copy = await startPostgres({ snapshotOf: server.href });
    servers.push(copy);
    url.host = new URL(copy.url).host;
    return siteAt(url.href);
  }
  const markOf = async ({ database }: Site): Promise<bigint> => (await database.identity.mark()).number;
  async function delivered({ database }: Site): Promise<void> {
    await eventually(
      'everything delivered',
      async () => (await database.status.lanes()).every(({ pending }) => pending === 0) || undefined,
    );
  }

  it('cannot be told from the original by the database alone', async () => {
    const copy = await snapshot();

    await copy.database.verify();
  });

  it('is refused by the witness, while the original runs and after it has stopped', async () => {
    const running = original.dispatcher();
    await running.start();
    const copy = await snapshot();
    const taken = await markOf(copy);
    await eventually('one more mark', async () => (await markOf(original)) > taken || undefined);

    await failureOf('DATABASE_REPLACED', () => copy.dispatcher().start());
    await running.stop();

    await failureOf('DATABASE_REPLACED', () => copy.dispatcher().start());
    const again = original.dispatcher();
    await again.start();
    await again.stop();
  });

  it('goes on, adopted, without storing anything twice: what the original had delivered since is recognised', async () => {
    await original.write('shared', 'before');
    const copy = await snapshot();
    const first = original.dispatcher();
    await first.start();
    await delivered(original);
    await first.stop();

    const { routes } = await copy.database.adopt();
    const next = copy.dispatcher();
    await next.start();
    await copy.write('shared', 'after');
    await delivered(copy);
    await next.stop();

    expect(routes).to.deep.equal([]); // no dispatcher had ever started when the snapshot was taken
    expect(events.storedIds('notebook-shared')).to.have.length(2);
  });

  it('halts, adopted, at the first event in whose place EventStoreDB has one that the copy never knew', async () => {
    await original.write('shared', 'before');
    const running = original.dispatcher();
    await running.start();
    await delivered(original);
    const copy = await snapshot();
    await original.write('shared', 'lost with the original');
    await original.write('other', 'lost with the original');
    await delivered(original);
    await running.stop();
    const lost = events.storedIds('notebook-shared').at(-1)!;

    await copy.database.adopt();
    const next = copy.dispatcher();
    const halted = new Promise<string>((resolve) => next.on('halted', ({ error }) => resolve(error.message)));
    await next.start();
    const { rows } = await pools.at(-1)!.query<{ revision: string }>(`select revision::text as revision from waybill.stream`);
    expect(rows).to.deep.equal([{ revision: '0' }]);
    const unitOfWork = new UnitOfWork({ database: copy.database, catalogue: [NoteWritten] });
    await unitOfWork.run(async ({ load, track }) => {
      const notebook = await load(Notebook, 'shared');
      notebook.write('new');
      track(notebook);
    });

    expect(await halted).to.contain(lost);
    expect(events.storedIds('notebook-shared')).to.have.length(2);
    await next.stop();
  });
});
