import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mayRead, type Account } from './account.js';

const PREFIX = 'waybill-server-';

/** The supervisor writes its process id into this file, and touches it while it lives. */
export const HEARTBEAT_FILE = 'supervisor.pid';
export const HEARTBEAT_MS = 60_000;
const STALE_MS = 10 * HEARTBEAT_MS;

/** A new folder in the temp folder that the account can reach. Whoever gets it removes it. */
export async function makeServerFolder(account: Account): Promise<string> {
  const parent = (await mayRead(tmpdir(), account)) ? tmpdir() : '/tmp';
  await removeStaleFolders(parent);
  return mkdtemp(join(parent, PREFIX));
}

export async function removeServerFolder(folder: string): Promise<void> {
  // A server that is being killed may still write: try again for a while.
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
}

/**
 * Removes what a supervisor left behind that was itself killed. A PostgreSQL that is still running in such a folder
 * ends by itself within a minute, since its lock file is gone.
 */
async function removeStaleFolders(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!name.startsWith(PREFIX)) continue;
    const folder = join(parent, name);
    if (await isStale(folder)) await removeServerFolder(folder).catch(() => undefined); // somebody else's: leave it to them
  }
}

/** Both signs are needed: a process id says nothing across containers, and a machine that slept touches no file. */
async function isStale(folder: string): Promise<boolean> {
  try {
    const heartbeat = join(folder, HEARTBEAT_FILE);
    const touchedAt = await stat(heartbeat).catch(() => stat(folder));
    if (Date.now() - touchedAt.mtimeMs < STALE_MS) return false;
    return !isAlive(Number(await readFile(heartbeat, 'utf8').catch(() => '0')));
  } catch {
    return false; // gone already, or not ours to look into
  }
}

function isAlive(pid: number): boolean {
  if (pid === 0) return false;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
