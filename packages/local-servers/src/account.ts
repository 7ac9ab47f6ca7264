import { execFileSync } from 'node:child_process';
import { chown, readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { LocalServerError } from './local-server-error.js';

/** Whom a server runs as. Empty: as ourselves. */
export interface Account {
  readonly uid?: number;
  readonly gid?: number;
}

/** Database servers refuse to run as root: root runs them as `postgres` or, where there is none, as `nobody`. */
export function serverAccount(): Account {
  if (process.getuid?.() !== 0) return {};
  for (const name of ['postgres', 'nobody']) {
    try {
      return { uid: idOf('-u', name), gid: idOf('-g', name) };
    } catch {
      continue; // no such account
    }
  }
  throw new LocalServerError(
    'SERVER_ACCOUNT_MISSING',
    'Root cannot run this server, and there is no account "postgres" or "nobody" to run it as.',
  );
}

/** Whether the account may enter every folder on the way to `path`, and read `path` itself. */
export async function mayRead(path: string, { uid }: Account): Promise<boolean> {
  if (uid === undefined) return true;
  for (let current = path; ; current = dirname(current)) {
    const { mode, uid: owner } = await stat(current);
    const needed = owner === uid ? 0o500 : 0o005;
    if ((mode & needed) !== needed) return false;
    if (current === dirname(current)) return true;
  }
}

/** Makes the account the owner of a folder and of all that is in it. */
export async function handOver(folder: string, { uid, gid }: Account): Promise<void> {
  if (uid === undefined || gid === undefined) return;
  await chown(folder, uid, gid);
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isSymbolicLink()) await chown(join(entry.parentPath, entry.name), uid, gid);
  }
}

function idOf(flag: '-u' | '-g', name: string): number {
  return Number(execFileSync('id', [flag, name], { stdio: ['ignore', 'pipe', 'ignore'], encoding: 'utf8' }));
}
