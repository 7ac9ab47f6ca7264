import type { MongoDBEmulator } from '@waybill/mongodb-emulator';
import { randomBytes } from 'node:crypto';
import { startEmulatorProcess } from './emulator-process.js';
import { installedMongod } from './installed-mongod.js';
import { LocalServerError } from './local-server-error.js';
import { downloadedMongod } from './downloaded-mongod.js';
import { dropDatabases, lookAt, type MongoDBAtUrl } from './mongodb-at-url.js';
import { startReplicaSet } from './replica-set.js';

export interface StartMongoDBOptions {
  /** Take this server instead of starting one. Default: the environment's MONGODB_URL, if set. */
  readonly url?: string | undefined;
  /** How many members the replica set has: three for fail-over, which takes a real MongoDB. Default: 1. */
  readonly members?: 1 | 3;
  /** The emulator, should it come to that, runs in this process and can be held by its `emulator`. Default: a process of its own. */
  readonly inProcess?: boolean;
  /**
   * After how long a server that is started here aborts a transaction. The locks of one whose process was killed stay so long. Default: the
   * server's own, 60.
   */
  readonly transactionLifetimeSeconds?: number;
  /** Is called when a download has begun, which takes a minute. */
  readonly onDownload?: () => void;
}

export interface LocalMongoDB {
  /** A `mongodb://` address of a replica set, for the client. */
  readonly url: string;
  /** What it came to, in the order in which they are tried. */
  readonly kind: 'url' | 'mongod' | 'downloaded' | 'emulator';
  /** One line that says which server this is, and of the emulator why it is one. Holds no password. */
  readonly description: string;
  /** The emulator's handle, where it runs in this process. */
  readonly emulator?: MongoDBEmulator;
  /** The name of a database that nobody has: MongoDB makes it when something is put into it. */
  newDatabase(): string;
  /** Ends a server that was started here; on any other, drops the databases named here. Idempotent. */
  stop(): Promise<void>;
}

/**
 * A MongoDB to work with, always a replica set: the one at the URL; else one of MONGOMS_SYSTEM_BINARY or the `mongod` on the
 * PATH; else one of a `mongod` that can be downloaded; else the emulator. What is started here is gone with its data when this
 * process is gone, by whatever death, and keeps this process alive only if it is the emulator in this process.
 *
 * @throws {@link LocalServerError} what the URL or the environment names cannot be had, or three members can be had of nothing
 */
export async function startMongoDB(options: StartMongoDBOptions = {}): Promise<LocalMongoDB> {
  const { url = process.env['MONGODB_URL'], members = 1, transactionLifetimeSeconds = 60 } = options;
  if (url) return existing(await lookAt(url, { members }));

  const installed = await installedMongod();
  if (installed !== undefined) {
    const { version, hosts, ...server } = await startReplicaSet({ binary: installed, members, transactionLifetimeSeconds });
    return { ...server, kind: 'mongod', description: `MongoDB ${version} from ${installed}, at ${hosts}`, newDatabase };
  }

  const downloaded = await startDownloaded(options);
  if ('server' in downloaded) return downloaded.server;
  const why = `no mongod is on the PATH, and none was downloaded: ${downloaded.failure}`;
  if (members > 1)
    throw new LocalServerError('SERVER_NOT_INSTALLED', `Three members take a real MongoDB: ${why}. Name one in MONGODB_URL.`);
  return emulated(why, options);
}

/** Nobody asked for it by name: where it does not run on this machine, it is as if it could not be downloaded. */
async function startDownloaded({
  members = 1,
  transactionLifetimeSeconds = 60,
  onDownload,
}: StartMongoDBOptions): Promise<{ readonly server: LocalMongoDB } | { readonly failure: string }> {
  const downloaded = await downloadedMongod(onDownload);
  if ('failure' in downloaded) return downloaded;
  try {
    const { version, hosts, ...server } = await startReplicaSet({ binary: downloaded.path, members, transactionLifetimeSeconds });
    return { server: { ...server, kind: 'downloaded', description: `MongoDB ${version}, downloaded, at ${hosts}`, newDatabase } };
  } catch (error) {
    if (!(error instanceof LocalServerError)) throw error;
    return { failure: `it does not run here (${error.log.at(-1) ?? error.message})` };
  }
}

/** Downloads what {@link startMongoDB} would have to download first, which takes a minute where there is a network. */
export async function prepareMongoDB({ onDownload }: Pick<StartMongoDBOptions, 'onDownload'> = {}): Promise<void> {
  if (!process.env['MONGODB_URL'] && (await installedMongod()) === undefined) await downloadedMongod(onDownload);
}

function existing({ url, version, isEmulator, hosts }: MongoDBAtUrl): LocalMongoDB {
  const named = new Set<string>();
  return {
    url,
    kind: 'url',
    description: `${isEmulator ? `a MongoDB emulator, which answers as ${version},` : `MongoDB ${version}`} at ${hosts}, as MONGODB_URL says`,
    newDatabase: () => {
      const name = newDatabase();
      named.add(name);
      return name;
    },
    stop: async () => {
      await dropDatabases(url, [...named]);
      named.clear();
    },
  };
}

async function emulated(why: string, { inProcess = false, transactionLifetimeSeconds = 60 }: StartMongoDBOptions): Promise<LocalMongoDB> {
  const lifetimeMs = 1_000 * transactionLifetimeSeconds;
  const server = inProcess ? await emulatorHere(lifetimeMs) : await emulatorElsewhere(lifetimeMs);
  const { version, hosts } = await lookAt(server.url);
  const description = `the MongoDB emulator, which answers as ${version} (${why}), at ${hosts}`;
  return { ...server, kind: 'emulator', description, newDatabase };
}

async function emulatorHere(transactionLifetimeMs: number): Promise<Pick<LocalMongoDB, 'url' | 'emulator' | 'stop'>> {
  const { MongoDBEmulator } = await import('@waybill/mongodb-emulator'); // takes a moment to load, and a mongod needs none of it
  const emulator = await MongoDBEmulator.start({ transactionLifetimeMs });
  return { url: emulator.url, emulator, stop: () => emulator.stop() };
}

async function emulatorElsewhere(transactionLifetimeMs: number): Promise<Pick<LocalMongoDB, 'url' | 'stop'>> {
  const { address, stop } = await startEmulatorProcess({
    name: 'The MongoDB emulator',
    module: '@waybill/mongodb-emulator',
    address: /mongodb:\/\/\S+/,
    args: ['--transaction-lifetime-ms', String(transactionLifetimeMs)],
  });
  return { url: address, stop };
}

function newDatabase(): string {
  return `waybill_${randomBytes(6).toString('hex')}`;
}
