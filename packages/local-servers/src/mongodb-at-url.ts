import { MongoClient, MongoServerSelectionError } from 'mongodb';
import { LocalServerError } from './local-server-error.js';

export interface MongoDBAtUrl {
  readonly url: string;
  /** Such as `8.0.4`. */
  readonly version: string;
  /** Whether it is an emulator of ours, and not a MongoDB. */
  readonly isEmulator: boolean;
  /** Where it is, without user or password. */
  readonly hosts: string;
}

export interface LookOptions {
  /** The least number of members that it must have. Default: 1. */
  readonly members?: number;
}

const WITHIN_MS = 5_000;

/**
 * Looks whether there is a MongoDB that transactions work on, and which one it is.
 *
 * @throws {@link LocalServerError} `SERVER_NOT_REACHABLE` or `SERVER_UNSUITABLE`
 */
export async function lookAt(url: string, { members = 1 }: LookOptions = {}): Promise<MongoDBAtUrl> {
  const client = clientOf(url);
  const { hosts, srvHost } = client.options;
  const where = srvHost ?? hosts.map(String).join(',');
  try {
    const admin = client.db('admin');
    const hello = (await admin.command({ hello: 1 })) as { setName?: string; msg?: string; hosts?: readonly string[] };
    if (hello.setName === undefined && hello.msg !== 'isdbgrid') throw standAlone(where);
    const found = hello.hosts?.length ?? members; // a router does not say
    if (found < members) throw new LocalServerError('SERVER_UNSUITABLE', `The MongoDB at ${where} has ${found} of ${members} members.`);

    const { version, gitVersion } = (await admin.command({ buildInfo: 1 })) as { version: string; gitVersion?: string };
    return { url, version, isEmulator: gitVersion?.startsWith('mongodb-emulator') === true, hosts: where };
  } catch (error) {
    throw error instanceof LocalServerError ? error : notReachable(where, error);
  } finally {
    await client.close();
  }
}

/** Drops databases, whoever is connected to them. */
export async function dropDatabases(url: string, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  const client = clientOf(url);
  try {
    for (const name of names) await client.db(name).dropDatabase();
  } finally {
    await client.close();
  }
}

function clientOf(url: string): MongoClient {
  try {
    return new MongoClient(url, /serverSelectionTimeoutMS=/i.test(url) ? {} : { serverSelectionTimeoutMS: WITHIN_MS });
  } catch (cause) {
    throw new LocalServerError('SERVER_NOT_REACHABLE', `The URL is no address of a MongoDB: ${messageOf(cause)}`, [], { cause });
  }
}

function standAlone(where: string): LocalServerError {
  const what = `The MongoDB at ${where} is a stand-alone, which has no transactions.`;
  return new LocalServerError('SERVER_UNSUITABLE', `${what} Start it with --replSet rs0, and call rs.initiate() once.`);
}

function notReachable(where: string, cause: unknown): LocalServerError {
  const code = whatIsThere(cause) === undefined ? 'SERVER_NOT_REACHABLE' : 'SERVER_UNSUITABLE';
  const why = whatIsThere(cause) ?? messageOf(cause);
  return new LocalServerError(code, `Cannot use the MongoDB at ${where}: ${why}`, [], { cause });
}

/** The driver leaves out a server that is not what the URL says, and then has "timed out": here is what was seen. */
function whatIsThere(error: unknown): string | undefined {
  if (!(error instanceof MongoServerSelectionError) || !error.reason) return undefined;
  const { servers, setName } = error.reason;
  if (servers.size === 0) return `what answers there is no member of a replica set ${setName ?? ''}, but a stand-alone or of another set.`;
  const types = new Set([...servers.values()].map(({ type }) => type));
  if (types.has('RSGhost')) return 'it was started with --replSet and not initiated. Call rs.initiate() once.';
  if (types.has('RSSecondary') || types.has('RSOther')) return 'no member of its replica set is primary.';
  return undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
