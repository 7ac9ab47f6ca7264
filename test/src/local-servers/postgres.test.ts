import { LocalServerError, npmBinaries, startPostgres, type LocalPostgres } from '@waybill/local-servers';
import { expect } from 'chai';
import { existsSync, lstatSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { killedAfterStarting, until } from './killed-after-starting.js';

describe('a local PostgreSQL', () => {
  const started: LocalPostgres[] = [];
  afterEach(() => Promise.all(started.splice(0).map((server) => server.stop())));

  async function start(...options: Parameters<typeof startPostgres>): Promise<LocalPostgres> {
    const server = await startPostgres(...options);
    started.push(server);
    return server;
  }

  it('gives each asker an empty database of its own', async () => {
    const server = await start();
    const [one, other] = await Promise.all([server.createDatabase(), server.createDatabase()]);

    await ask(one, 'create table flight (id int)');

    expect(await ask(other, `select to_regclass('flight') as table`)).to.deep.equal([{ table: null }]);
    expect(server.description).to.match(/^PostgreSQL \d+\.\d+ from npm, at 127\.0\.0\.1:\d+$/);
  });

  it('runs beside another, and ends alone', async () => {
    const [one, other] = await Promise.all([start(), start()]);
    const folder = await folderOf(one.url);

    await one.stop();

    expect(existsSync(folder)).to.equal(false);
    expect(await ask(other.url, 'select 1 as up')).to.deep.equal([{ up: 1 }]);
  });

  it('is gone with its data when its process is killed', async () => {
    const killed = await killedAfterStarting('postgres', async (url) => {
      const folder = await folderOf(url);
      const pid = Number((await readFile(join(folder, 'data', 'postmaster.pid'), 'utf8')).split('\n')[0]);
      return { folder, pid };
    });

    await until(() => !existsSync(killed.folder));

    expect(() => process.kill(killed.pid, 0)).to.throw('ESRCH');
  });

  it('starts from binaries whose links npm did not make, in a folder that its account cannot enter', async () => {
    const closed = await mkdtemp(join(tmpdir(), 'waybill-test-'));
    const binaries = join(closed, 'native');
    await cp(npmBinaries('18'), binaries, { recursive: true, filter: (path) => !lstatSync(path).isSymbolicLink() });
    await chmod(closed, 0o700);

    const server = await start({ binaries });

    expect(await ask(server.url, 'select 1 as up')).to.deep.equal([{ up: 1 }]);
    await rm(closed, { recursive: true });
  });

  it('says why it did not start, with what it printed', async () => {
    const failure = await startPostgres({ settings: { no_such_setting: 'on' } }).then(
      () => undefined,
      (error: unknown) => error as LocalServerError,
    );

    expect(failure).to.be.instanceOf(LocalServerError).with.property('code', 'SERVER_DID_NOT_START');
    expect(failure?.message).to.contain('unrecognized configuration parameter "no_such_setting"');
  });

  it('removes what a killed supervisor left behind, and leaves alone what is in use', async () => {
    const [left, fresh] = [join(tmpdir(), `waybill-server-left-${process.pid}`), join(tmpdir(), `waybill-server-fresh-${process.pid}`)];
    await Promise.all([mkdir(left), mkdir(fresh)]);
    const anHourAgo = new Date(Date.now() - 3_600_000);
    await utimes(left, anHourAgo, anHourAgo);

    await start();

    expect([existsSync(left), existsSync(fresh)]).to.deep.equal([false, true]);
    await rm(fresh, { recursive: true });
  });

  it('stays up when it was here before, without the databases made on it', async () => {
    const server = await start();
    const guest = await startPostgres({ url: server.url });
    await guest.createDatabase('of_the_guest');

    await guest.stop();

    expect(await ask(server.url, `select datname from pg_database where datname = 'of_the_guest'`)).to.deep.equal([]);
    expect(guest.description).to.contain('POSTGRES_URL').and.not.contain(new URL(server.url).password);
  });
});

async function ask(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<pg.QueryResultRow>(text)).rows;
  } finally {
    await client.end();
  }
}

async function folderOf(url: string): Promise<string> {
  const [row] = (await ask(url, 'show data_directory')) as { data_directory: string }[];
  return dirname(row!.data_directory);
}
