import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { platform } from 'node:os';
import { delimiter, join } from 'node:path';
import { LocalServerError } from './local-server-error.js';

/**
 * The `mongod` that MONGOMS_SYSTEM_BINARY names, or the first on the PATH.
 *
 * @throws {@link LocalServerError} `SERVER_NOT_INSTALLED`: nothing that can be run is where MONGOMS_SYSTEM_BINARY says
 */
export async function installedMongod(): Promise<string | undefined> {
  const named = process.env['MONGOMS_SYSTEM_BINARY'];
  if (named) {
    if (await canBeRun(named)) return named;
    throw new LocalServerError('SERVER_NOT_INSTALLED', `MONGOMS_SYSTEM_BINARY names ${named}, which is no program that can be run.`);
  }
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, platform() === 'win32' ? 'mongod.exe' : 'mongod');
    if (folder !== '' && (await canBeRun(path))) return path;
  }
  return undefined;
}

async function canBeRun(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}
