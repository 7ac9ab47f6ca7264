import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** What became of a download. */
export type Downloaded = { readonly path: string } | { readonly failure: string };

const FIRST_BYTES_WITHIN_MS = 5_000;
const NEXT_BYTES_WITHIN_MS = 30_000;
const REMEMBER_FAILURE_MS = 3_600_000;
const CACHE_FOLDER = fileURLToPath(new URL('../../../node_modules/.cache/waybill-mongodb', import.meta.url));

/**
 * A `mongod` that was downloaded before, or is now. Gives up after seconds where nothing can be reached, and does not try again
 * for an hour: each start would have to wait.
 *
 * @param onDownload - is called when the first bytes have come: the rest takes a minute
 */
export async function downloadedMongod(onDownload: () => void = () => {}): Promise<Downloaded> {
  const path = await downloadedBefore();
  if (path !== undefined) return { path };
  if (/^(0|false|no|off)$/i.test(process.env['MONGOMS_RUNTIME_DOWNLOAD'] ?? '')) return { failure: 'MONGOMS_RUNTIME_DOWNLOAD forbids it' };

  const failed = failureFile();
  const remembered = await rememberedFailure(failed);
  if (remembered !== undefined) return { failure: remembered };
  const downloaded = await download(onDownload);
  if ('path' in downloaded) await rm(failed, { force: true }).catch(() => undefined);
  else await writeFile(failed, downloaded.failure).catch(() => undefined); // somebody else's: then each start tries
  return downloaded;
}

async function downloadedBefore(): Promise<string | undefined> {
  const { DryMongoBinary } = await import('mongodb-memory-server-core'); // takes a moment to load, and is seldom needed
  const version = process.env['MONGOMS_VERSION'] ?? ''; // empty: the version that the library prefers
  return DryMongoBinary.locateBinary({ version, downloadDir: CACHE_FOLDER }).catch(() => undefined);
}

/** In a process of its own, which can be ended whatever it waits for, and whose output is nobody's. */
async function download(onDownload: () => void): Promise<Downloaded> {
  const program = fileURLToPath(new URL('download-mongod.js', import.meta.url));
  const child = spawn(process.execPath, [program, CACHE_FOLDER], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { MONGOMS_MAX_RETRIES: '1', ...process.env, NODE_OPTIONS: '' },
  });
  const exited = once(child, 'exit').then(
    () => undefined,
    () => undefined,
  );

  let outcome: Downloaded | undefined;
  let bytesAt: number | undefined;
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line.startsWith('{')) outcome = JSON.parse(line) as Downloaded;
    if (line === '' || outcome) return;
    if (bytesAt === undefined) onDownload();
    bytesAt = performance.now();
  });
  const [startedAt, ended] = [performance.now(), new AbortController()];
  void exited.then(() => ended.abort());
  while (!ended.signal.aborted) {
    const patience = bytesAt === undefined ? startedAt + FIRST_BYTES_WITHIN_MS : bytesAt + NEXT_BYTES_WITHIN_MS;
    if (performance.now() > patience) child.kill('SIGKILL');
    await delay(100, undefined, { signal: ended.signal }).catch(() => undefined);
  }
  return outcome ?? { failure: bytesAt === undefined ? 'the server for downloads does not answer' : 'the download came to a halt' };
}

/** Another version, mirror, proxy or user is another attempt. */
function failureFile(): string {
  const matters = Object.entries(process.env).filter(([name]) => /^MONGOMS_|_proxy$/i.test(name));
  const key = createHash('sha256').update(JSON.stringify([process.getuid?.(), matters.sort()]));
  return join(tmpdir(), `waybill-no-mongod-${key.digest('hex').slice(0, 12)}`);
}

async function rememberedFailure(file: string): Promise<string | undefined> {
  try {
    const { mtime } = await stat(file);
    if (Date.now() - mtime.getTime() > REMEMBER_FAILURE_MS) return undefined;
    return `${await readFile(file, 'utf8')}, tried at ${mtime.toTimeString().slice(0, 5)}`;
  } catch {
    return undefined;
  }
}
