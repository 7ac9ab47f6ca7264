import { MongoClient } from 'mongodb';
import { mkdir } from 'node:fs/promises';
import { platform } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { onFreePort } from './free-port.js';
import { LocalServerError } from './local-server-error.js';
import { lookAt } from './mongodb-at-url.js';
import { makeServerFolder, removeServerFolder } from './server-folder.js';
import { supervise, type Supervised } from './supervise.js';

export interface ReplicaSetOptions {
  /** The `mongod` to run. */
  readonly binary: string;
  readonly members: number;
  readonly transactionLifetimeSeconds: number;
}

export interface ReplicaSet {
  readonly url: string;
  readonly version: string;
  readonly hosts: string;
  /** Ends all members and removes their data. Idempotent. */
  stop(): Promise<void>;
}

interface Member extends Supervised {
  readonly host: string;
}

const NAME = 'rs0';
const PRIMARY = 1;
const SECONDARY = 2;
const READY_WITHIN_MS = 60_000;

/**
 * Starts the members on this machine and makes them a replica set, each of which is ready to become primary.
 *
 * @throws {@link LocalServerError} a member does not start, or there is no primary in time; then none of them is left
 */
export async function startReplicaSet({ members: count, ...options }: ReplicaSetOptions): Promise<ReplicaSet> {
  const starting = await Promise.allSettled(Array.from({ length: count }, () => onFreePort((port) => startMember(port, options))));
  const members = starting.flatMap((member) => (member.status === 'fulfilled' ? [member.value] : []));
  const stop = async (): Promise<void> => void (await Promise.all(members.map((member) => member.stop())));
  try {
    for (const member of starting) if (member.status === 'rejected') throw member.reason;
    const hosts = members.map(({ host }) => host);
    await initiate(hosts);
    return { ...(await lookAt(`mongodb://${hosts.join(',')}/?replicaSet=${NAME}`, { members: count })), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startMember(port: number, { binary, transactionLifetimeSeconds }: Omit<ReplicaSetOptions, 'members'>): Promise<Member> {
  const folder = await makeServerFolder({});
  try {
    const data = join(folder, 'data');
    await mkdir(data);
    const supervised = await supervise({
      name: binary,
      commands: [[binary, ...memberArguments(port, data, transactionLifetimeSeconds)]],
      account: {}, // unlike others, this server runs as root too
      folder,
      stopSignal: 'SIGKILL', // asked politely, a primary waits for its secondaries; the data goes anyway
      ready: /waiting for connections/i,
      chatter: /"s":"[ID]/, // it says some thirty of these while it ends
      logsTo: 'stdout',
    });
    return { host: `127.0.0.1:${port}`, stop: () => supervised.stop() };
  } catch (error) {
    await removeServerFolder(folder);
    throw error;
  }
}

function memberArguments(port: number, data: string, transactionLifetimeSeconds: number): string[] {
  return [
    ...['--replSet', NAME, '--bind_ip', '127.0.0.1', '--port', String(port), '--dbpath', data],
    ...['--storageEngine', 'wiredTiger', '--wiredTigerCacheSizeGB', '0.5', '--oplogSize', '1024'],
    ...['--setParameter', 'enableTestCommands=1', '--setParameter', 'diagnosticDataCollectionEnabled=false'],
    ...['--setParameter', `transactionLifetimeLimitSeconds=${transactionLifetimeSeconds}`],
    ...['--quiet', '--slowms', '60000'], // its lines go through this process, which may be busy
    ...(platform() === 'win32' ? [] : ['--nounixsocket']),
  ];
}

async function initiate(hosts: readonly string[]): Promise<void> {
  const [first] = hosts;
  const client = new MongoClient(`mongodb://${first}/?directConnection=true`, { serverSelectionTimeoutMS: READY_WITHIN_MS });
  const admin = client.db('admin');
  try {
    await admin.command({
      replSetInitiate: {
        _id: NAME,
        members: hosts.map((host, index) => ({ _id: index, host })),
        settings: { electionTimeoutMillis: 2_000, heartbeatIntervalMillis: 500 },
      },
    });
    for (const startedAt = performance.now(); ; await delay(50)) {
      const { members } = (await admin.command({ replSetGetStatus: 1 })) as { members: readonly { state: number }[] };
      const states = members.map(({ state }) => state);
      if (states.includes(PRIMARY) && states.every((state) => state === PRIMARY || state === SECONDARY)) return;
      if (performance.now() - startedAt > READY_WITHIN_MS)
        throw new LocalServerError('SERVER_TIMED_OUT', `The replica set at ${hosts.join(',')} was not ready after ${READY_WITHIN_MS} ms.`);
    }
  } finally {
    await client.close();
  }
}
