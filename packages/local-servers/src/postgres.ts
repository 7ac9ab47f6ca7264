import { randomBytes } from 'node:crypto';
import { cp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { handOver, serverAccount } from './account.js';
import { Databases } from './databases.js';
import { onFreePort } from './free-port.js';
import { INSTALLED_POSTGRES, npmBinaries, reachableBinaries, type PostgresVersion } from './postgres-binaries.js';
import { makeServerFolder, removeServerFolder } from './server-folder.js';
import { supervise, type Supervised } from './supervise.js';

export interface StartPostgresOptions {
  /** Take this server instead of starting one. Default: the environment's POSTGRES_URL, if set. */
  readonly url?: string | undefined;
  /** Which binaries from npm. Default: the environment's WAYBILL_POSTGRES_VERSION, else 18, which the install brings. */
  readonly version?: PostgresVersion | undefined;
  /** Binaries from elsewhere: a folder that holds `bin/initdb` and `bin/postgres`, such as `/usr/lib/postgresql/15`. */
  readonly binaries?: string;
  /** Whether commits survive the crash of the machine, as benchmarks must have it. Default: false, which is faster. */
  readonly durable?: boolean;
  /**
   * Begin with what is on the disk of this running server on this machine, given a superuser's URL of it, instead of with nothing: a snapshot,
   * which recovers as after a crash. The password is that server's.
   */
  readonly snapshotOf?: string;
  /** More server settings, such as `{ wal_level: 'logical' }`. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface LocalPostgres {
  /** A superuser's URL of the server's own database. */
  readonly url: string;
  /** One line that says which server this is. Holds no password. */
  readonly description: string;
  /** Creates an empty database, by default under a name of its own, and answers its URL. */
  createDatabase(name?: string): Promise<string>;
  /** Ends a server that was started here; on any other, drops the databases made here. Idempotent. */
  stop(): Promise<void>;
}

/**
 * A PostgreSQL to work with: the one at the URL, or one started here from npm's binaries. The latter is gone with its
 * data when this process is gone, by whatever death, and does not keep this process alive.
 *
 * @throws {@link LocalServerError} the server cannot be had; the message says why, and what it printed
 */
export async function startPostgres(options: StartPostgresOptions = {}): Promise<LocalPostgres> {
  const url = options.url ?? process.env['POSTGRES_URL'];
  if (url) {
    const databases = new Databases(url);
    const description = `PostgreSQL ${await databases.version()} at ${new URL(url).host}, as POSTGRES_URL says`;
    return { url, description, createDatabase: (name) => databases.create(name), stop: () => databases.dropAll() };
  }

  const { url: ownUrl, supervised } = await onFreePort((port) => startOn(port, options));
  const databases = new Databases(ownUrl);
  const description = `PostgreSQL ${await databases.version()} ${options.binaries ? `from ${options.binaries}` : 'from npm'}, at ${new URL(ownUrl).host}`;
  return { url: ownUrl, description, createDatabase: (name) => databases.create(name), stop: () => supervised.stop() };
}

async function startOn(port: number, options: StartPostgresOptions): Promise<{ url: string; supervised: Supervised }> {
  const version = options.version ?? (process.env['WAYBILL_POSTGRES_VERSION'] as PostgresVersion | undefined) ?? INSTALLED_POSTGRES;
  const account = serverAccount();
  const folder = await makeServerFolder(account);
  try {
    const native = await reachableBinaries(options.binaries ?? npmBinaries(version), account, folder);
    const [data, passwordFile] = [join(folder, 'data'), join(folder, 'password')];
    const password = options.snapshotOf ? new URL(options.snapshotOf).password : randomBytes(16).toString('hex');
    await writeFile(passwordFile, password, { mode: 0o600 });
    if (options.snapshotOf) await copyDisk(options.snapshotOf, data);
    await handOver(folder, account);
    const made: [string, ...string[]][] = options.snapshotOf ? [] : [[join(native, 'bin', 'initdb'), ...initArguments(data, passwordFile)]];

    const supervised = await supervise({
      name: `PostgreSQL ${version}`,
      commands: [...made, [join(native, 'bin', 'postgres'), '-D', data, '-p', String(port), ...settingArguments(options)]],
      account,
      folder,
      stopSignal: 'SIGQUIT', // at once, without a checkpoint: the data goes anyway
      ready: /database system is ready to accept connections/,
    });
    return { url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`, supervised };
  } catch (error) {
    await removeServerFolder(folder);
    throw error;
  }
}

/** Not a backup by the book: good for a server on which nothing is written meanwhile. */
async function copyDisk(url: string, to: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query('checkpoint');
    const { rows } = await client.query<{ data_directory: string }>('show data_directory');
    await cp(rows[0]!.data_directory, to, { recursive: true, preserveTimestamps: true });
  } finally {
    await client.end();
  }
  await rm(join(to, 'postmaster.pid'), { force: true });
}

function initArguments(data: string, passwordFile: string): string[] {
  return [
    '-D',
    data,
    '-U',
    'postgres',
    '--pwfile',
    passwordFile,
    '--auth',
    'password',
    '-E',
    'UTF8',
    '--locale',
    'C',
    '--no-sync',
    '--no-instructions',
  ];
}

function settingArguments({ durable = false, settings = {} }: StartPostgresOptions): string[] {
  const all = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '', // their paths may be at most 107 characters long; nobody needs them
    dynamic_shared_memory_type: 'mmap', // in the data folder, which goes: nothing is left in /dev/shm
    max_connections: '200',
    timezone: 'UTC',
    ...(durable ? {} : { fsync: 'off', full_page_writes: 'off' }),
    ...settings,
  };
  return Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}
