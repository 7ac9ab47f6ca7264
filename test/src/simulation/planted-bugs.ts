import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import * as core from '@waybill/core';
import type { Variant } from './variant.js';

/** Bugs that an outbox may well have. The simulation has to find each. */
export type PlantedBug = 'settle without the epoch' | 'mergeMap for concatMap' | 'read without the window';

export const PLANTED_BUGS: readonly PlantedBug[] = ['settle without the epoch', 'mergeMap for concatMap', 'read without the window'];

/** Core as it is, or with a bug; `end` removes what that took. */
export async function variantWith(bug: PlantedBug | undefined): Promise<Variant & { readonly end: () => Promise<void> }> {
  const end = async (): Promise<void> => {};
  if (bug === 'settle without the epoch') return { core, settlesWithoutEpoch: true, end };
  if (bug === 'read without the window') return { core, readsWithoutWindow: true, end };
  if (bug === undefined) return { core, end };
  return besideEachOther();
}

/** A copy of core in which the work of a lane is not done one after the other, but side by side. */
async function besideEachOther(): Promise<Variant & { readonly end: () => Promise<void> }> {
  const home = await mkdtemp(join(tmpdir(), 'waybill-planted-'));
  const dist = dirname(fileURLToPath(import.meta.resolve('@waybill/core')));
  await cp(dist, join(home, 'dist'), { recursive: true });
  await mkdir(join(home, 'node_modules'));
  for (const name of ['rxjs', 'uuid']) await symlink(packageOf(name, dist), join(home, 'node_modules', name), 'dir');
  await writeFile(join(home, 'package.json'), '{ "type": "module" }');

  const lane = join(home, 'dist', 'dispatcher', 'lane', 'lane.js');
  const [imports, ...body] = (await readFile(lane, 'utf8')).split("from 'rxjs';");
  const flattened = body.join("from 'rxjs';").replaceAll(/\b(concatMap|exhaustMap)\(/g, 'mergeMap(');
  if (flattened === body.join("from 'rxjs';"))
    throw new Error('core/dist/dispatcher/lane/lane.js has no concatMap and no exhaustMap any more.');
  const names = imports!.includes('mergeMap') ? imports : imports!.replace('{', '{ mergeMap,');
  await writeFile(lane, `${names}from 'rxjs';${flattened}`);

  const planted = (await import(pathToFileURL(join(home, 'dist', 'index.js')).href)) as typeof core;
  return { core: planted, end: () => rm(home, { recursive: true, force: true }) };
}

/** Where core finds a package that it depends on. */
function packageOf(name: string, dist: string): string {
  const entry = fileURLToPath(import.meta.resolve(name, pathToFileURL(join(dist, 'index.js'))));
  return entry.slice(0, entry.lastIndexOf(join('node_modules', name)) + join('node_modules', name).length);
}
