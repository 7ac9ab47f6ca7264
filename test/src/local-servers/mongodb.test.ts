import { startMongoDB, type LocalMongoDB, type LocalServerError } from '@waybill/local-servers';
import { expect } from 'chai';
import { MongoClient, type Document } from 'mongodb';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { killedAfterStarting, until } from './killed-after-starting.js';

const fakeMongod = fileURLToPath(new URL('fake-mongod.js', import.meta.url));

describe('a local MongoDB', () => {
  const ends: (() => unknown)[] = [];
  let folder: string;

  /** Nothing is installed, nothing to be had, and the temp folder is the test's own. */
  beforeEach(async () => {
    const before = { ...process.env };
    const temporary = await mkdtemp(join(tmpdir(), 'waybill-test-'));
    ends.push(() => rm(temporary, { recursive: true, force: true, maxRetries: 10 }));
    ends.push(() => setEnvironment(before));
    folder = temporary;
    const own = {
      PATH: `${folder}:/bin:/usr/bin`,
      TMPDIR: folder,
      MONGOMS_DOWNLOAD_DIR: join(folder, 'cache'),
      MONGOMS_RUNTIME_DOWNLOAD: '0',
    };
    setEnvironment({ ...Object.fromEntries(Object.entries(before).filter(([name]) => !/^MONGO/.test(name))), ...own });
  });
  afterEach(async () => {
    for (let end = ends.pop(); end; end = ends.pop()) await end();
  });

  async function start(...options: Parameters<typeof startMongoDB>): Promise<LocalMongoDB> {
    const server = await startMongoDB(...options);
    ends.push(() => server.stop());
    return server;
  }

  async function install(name: string, ...args: readonly string[]): Promise<string> {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, `#!/bin/sh\nexec '${process.execPath}' '${fakeMongod}' "$@" ${args.join(' ')}\n`);
    await chmod(path, 0o755);
    return path;
  }

  async function offer(answer: RequestListener): Promise<{ asked: number }> {
    const asked = { asked: 0 };
    const mirror = createServer((request, response) => {
      asked.asked += 1;
      answer(request, response);
    }).listen(0, '127.0.0.1');
    await once(mirror, 'listening');
    ends.push(() => (mirror.closeAllConnections(), mirror.close()));
    const url = `http://127.0.0.1:${(mirror.address() as AddressInfo).port}`;
    Object.assign(process.env, {
      MONGOMS_DOWNLOAD_MIRROR: url,
      MONGOMS_USE_HTTP: '1',
      MONGOMS_RUNTIME_DOWNLOAD: '1',
      no_proxy: '127.0.0.1',
    });
    return asked;
  }

  describe('is found in this order:', () => {
    it('the server that a URL names, whatever is installed', async () => {
      const server = await start();
      await install('mongod');
      process.env['MONGODB_URL'] = server.url;

      const guest = await start();

      expect([guest.kind, guest.url]).to.deep.equal(['url', server.url]);
      expect(guest.description).to.match(/^a MongoDB emulator, which answers as \d+\.\d+\.\d+, at 127\.0\.0\.1:\d+, as MONGODB_URL says$/);
    });

    it('the mongod that MONGOMS_SYSTEM_BINARY names', async () => {
      await install('mongod');
      process.env['MONGOMS_SYSTEM_BINARY'] = await install('elsewhere/mongod-8');

      const server = await start();

      expect(server.kind).to.equal('mongod');
      expect(server.description).to.contain(`MongoDB 8.0.99 from ${join(folder, 'elsewhere/mongod-8')}, at 127.0.0.1:`);
    });

    it('the first mongod on the PATH', async () => {
      const path = await install('mongod');

      const server = await start();

      expect([server.kind, server.description]).to.deep.equal(['mongod', `MongoDB 8.0.99 from ${path}, at ${hostsOf(server)}`]);
    });

    it('one that is downloaded, once', async () => {
      const archive = await archiveOf('mongodb/bin/mongod', await install('mongodb/bin/mongod'));
      const mirror = await offer(download(archive));

      const server = await start();

      expect([server.kind, mirror.asked]).to.deep.equal(['downloaded', 2]); // the archive, and its checksum
      expect(server.description).to.equal(`MongoDB 8.0.99, downloaded, at ${hostsOf(server)}`);
    });

    it('the emulator, which says why it is one', async () => {
      const server = await start();

      expect([server.kind, server.emulator]).to.deep.equal(['emulator', undefined]);
      expect(server.description).to.match(/^the MongoDB emulator, which answers as \d+\.\d+\.\d+ \(no mongod is on the PATH, and none was/);
    });
  });

  describe('that is not there', () => {
    it('at the URL is an error that says where, and no password', async () => {
      const failure = await failureOf(
        startMongoDB({ url: 'mongodb://somebody:secret@127.0.0.1:1/?replicaSet=rs0&serverSelectionTimeoutMS=100' }),
      );

      expect([failure.code, failure.message]).to.deep.equal([
        'SERVER_NOT_REACHABLE',
        'Cannot use the MongoDB at 127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1',
      ]);
    });

    it('at the URL because that is no URL is an error, too', async () => {
      const failure = await failureOf(startMongoDB({ url: 'localhost:27017' }));

      expect(failure.code).to.equal('SERVER_NOT_REACHABLE');
      expect(failure.message).to.contain('The URL is no address of a MongoDB');
    });

    it('where MONGOMS_SYSTEM_BINARY says is an error', async () => {
      process.env['MONGOMS_SYSTEM_BINARY'] = join(folder, 'mongod');

      expect((await failureOf(startMongoDB())).message)
        .to.contain('MONGOMS_SYSTEM_BINARY names')
        .and.contain(join(folder, 'mongod'));
    });

    it('is an error with what it printed, when it is installed and does not start, and leaves nothing', async () => {
      await install('mongod', '--fail', '"no space left on device"');

      const failure = await failureOf(startMongoDB({ members: 3 }));

      expect([failure.code, failure.log]).to.deep.equal(['SERVER_DID_NOT_START', ['no space left on device']]);
      expect(await serverFolders()).to.deep.equal([]);
    });

    it('for three members is an error: the emulator has one', async () => {
      expect((await failureOf(startMongoDB({ members: 3 }))).code).to.equal('SERVER_NOT_INSTALLED');
    });
  });

  describe('that has no transactions is an error:', () => {
    it('a stand-alone', async () => {
      const failure = await failureOf(startMongoDB({ url: `mongodb://${await runFake()}/` }));

      expect(failure.code).to.equal('SERVER_UNSUITABLE');
      expect(failure.message).to.match(
        /^The MongoDB at 127\.0\.0\.1:\d+ is a stand-alone, which has no transactions\. Start it with --replSet/,
      );
    });

    it('a stand-alone that the URL calls a replica set', async () => {
      const failure = await failureOf(startMongoDB({ url: `mongodb://${await runFake()}/?replicaSet=rs0&serverSelectionTimeoutMS=500` }));

      expect(failure.code).to.equal('SERVER_UNSUITABLE');
      expect(failure.message).to.contain('no member of a replica set rs0');
    });

    it('a replica set that nobody initiated', async () => {
      const failure = await failureOf(
        startMongoDB({ url: `mongodb://${await runFake('--replSet', 'rs0')}/?serverSelectionTimeoutMS=500` }),
      );

      expect(failure.code).to.equal('SERVER_UNSUITABLE');
      expect(failure.message).to.contain('rs.initiate()');
    });

    it('one member, where three are asked for', async () => {
      const server = await start();

      const failure = await failureOf(startMongoDB({ url: server.url, members: 3 }));

      expect([failure.code, failure.message]).to.deep.equal(['SERVER_UNSUITABLE', `The MongoDB at ${hostsOf(server)} has 1 of 3 members.`]);
    });
  });

  describe('from a mongod', () => {
    it('is a replica set of one on this machine alone, with test commands', async () => {
      await install('mongod');

      const server = await start();

      expect(server.url).to.match(/^mongodb:\/\/127\.0\.0\.1:\d+\/\?replicaSet=rs0$/);
      const { argv } = (await ask(server.url, { getCmdLineOpts: 1 })) as { argv: string[] };
      expect(argv.join(' ')).to.contain('--replSet rs0 --bind_ip 127.0.0.1').and.contain('wiredTiger').and.contain('enableTestCommands=1');
    });

    it('ends transactions after the time that is asked for', async () => {
      await install('mongod');

      const server = await start({ transactionLifetimeSeconds: 7 });

      const { argv } = (await ask(server.url, { getCmdLineOpts: 1 })) as { argv: string[] };
      expect(argv).to.include('transactionLifetimeLimitSeconds=7');
    });

    it('has three members when it is asked to', async () => {
      await install('mongod');

      const server = await start({ members: 3 });

      const { hosts } = (await ask(server.url, { hello: 1 })) as { hosts: string[] };
      expect([new Set(hosts).size, hosts.join(',')]).to.deep.equal([3, hostsOf(server)]);
    });

    it('is gone with its data when it is stopped', async () => {
      await install('mongod');
      const server = await start({ members: 3 });
      const whileUp = await serverFolders();

      await server.stop();

      expect([whileUp.length, await serverFolders()]).to.deep.equal([3, []]);
    });

    it('is gone with its data when its process is killed', async () => {
      await install('mongod');

      const killed = await killedAfterStarting('mongodb', async (url) => {
        const { argv } = (await ask(url, { getCmdLineOpts: 1 })) as { argv: string[] };
        const { pid } = (await ask(url, { serverStatus: 1 })) as { pid: number };
        return { folder: dirname(argv[argv.indexOf('--dbpath') + 1]!), pid };
      });

      await until(() => !existsSync(killed.folder) && !isAlive(killed.pid));
    });
  });

  describe('to download', () => {
    it('is given up when nothing comes, and not tried again soon', async () => {
      const mirror = await offer(() => undefined);
      const first = await start();
      const beginning = performance.now();

      const second = await start();

      expect(performance.now() - beginning).to.be.lessThan(4_000);
      expect([first.kind, second.kind, mirror.asked]).to.deep.equal(['emulator', 'emulator', 1]);
      expect(first.description).to.contain('none was downloaded: the server for downloads does not answer)');
      expect(second.description).to.match(/the server for downloads does not answer, tried at \d\d:\d\d\)/);
    });

    it('is given up at once when it is refused', async () => {
      await offer((_, response) => void response.writeHead(404).end());

      expect((await start()).description).to.contain("none was downloaded: Status Code isn't 200! (it is 404))");
    });

    it('that does not run here is none', async () => {
      const archive = await archiveOf('mongodb/bin/mongod', await install('mongodb/bin/mongod', '--fail', '"a library is missing"'));
      await offer(download(archive));

      expect((await start()).description).to.contain('none was downloaded: it does not run here (a library is missing))');
    });
  });

  describe('from the emulator', () => {
    it('is gone when it is stopped', async () => {
      const server = await start();

      await server.stop();

      expect((await failureOf(startMongoDB({ url: `${server.url}&serverSelectionTimeoutMS=100` }))).code).to.equal('SERVER_NOT_REACHABLE');
    });

    it('is gone when its process is killed', async () => {
      const { pid } = await killedAfterStarting('mongodb', async (url) => (await ask(url, { serverStatus: 1 })) as { pid: number });

      await until(() => !isAlive(pid));
    });

    it('can be held, in this process', async () => {
      const server = await start({ inProcess: true });

      expect(server.emulator?.url).to.equal(server.url);
      expect(((await ask(server.url, { serverStatus: 1 })) as { pid: number }).pid).to.equal(process.pid);
    });
  });

  it('stays up when it was here before, without the databases made on it', async () => {
    const server = await start({ inProcess: true });
    const guest = await start({ url: server.url });
    const [kept, dropped] = [server.newDatabase(), guest.newDatabase()];
    for (const name of [kept, dropped]) await ask(server.url, { insert: 'flight', documents: [{ _id: 1 }] }, name);

    await guest.stop();

    const { databases } = (await ask(server.url, { listDatabases: 1, nameOnly: true })) as { databases: { name: string }[] };
    expect(databases.map(({ name }) => name))
      .to.include(kept)
      .and.not.include(dropped);
  });

  /** A stand-alone, or one that waits to be initiated. */
  async function runFake(...args: readonly string[]): Promise<string> {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    taken.close();
    await once(taken, 'close');
    const child: ChildProcess = spawn(process.execPath, [fakeMongod, '--port', String(port), ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    ends.push(() => child.kill('SIGKILL'));
    for await (const line of createInterface({ input: child.stdout! })) if (line.includes('Waiting for connections')) break;
    return `127.0.0.1:${port}`;
  }

  async function archiveOf(path: string, file: string): Promise<Buffer> {
    const archive = execFileSync('tar', ['-czf', '-', '-C', folder, path]);
    await rm(file);
    return archive;
  }

  async function serverFolders(): Promise<string[]> {
    return (await readdir(folder)).filter((name) => name.startsWith('waybill-server-'));
  }
});

function setEnvironment(wanted: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(process.env)) if (!(name in wanted)) delete process.env[name];
  Object.assign(process.env, wanted);
}

/** What a mirror has: the archive at any address, and beside it its checksum. */
function download(archive: Buffer): RequestListener {
  const checksum = Buffer.from(`${createHash('md5').update(archive).digest('hex')}  archive`);
  return ({ url }, response) => {
    const body = url?.endsWith('.md5') ? checksum : archive;
    response.setHeader('content-length', body.length).end(body);
  };
}

async function ask(url: string, command: Document, database = 'admin'): Promise<Document> {
  const client = new MongoClient(url);
  try {
    return await client.db(database).command(command);
  } finally {
    await client.close();
  }
}

function hostsOf({ url }: LocalMongoDB): string {
  return /\/\/([^/]+)/.exec(url)?.[1] ?? '';
}

async function failureOf(promise: Promise<unknown>): Promise<LocalServerError> {
  return promise.then(
    () => {
      throw new Error('It did not fail.');
    },
    (error: unknown) => error as LocalServerError,
  );
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
