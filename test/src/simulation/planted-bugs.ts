import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import * as core from '@waybill/core';
import type { Variant } from './variant.js';

/** Bugs that an outbox may well have. The simulation has to find each. */
export const PLANTED_BUGS = [
  'settle without the epoch',
  'mergeMap for concatMap',
  'read without the window',
  'no word of what may have been sent',
  'a doubt that late commits make forgotten',
] as const;
export type PlantedBug = (typeof PLANTED_BUGS)[number];

/** Core as it is, or with a bug; `end` removes what that took. */
export async function variantWith(bug: PlantedBug | undefined): Promise<Variant & { readonly end: () => Promise<void> }> {
  const end = async (): Promise<void> => {};
  if (bug === 'settle without the epoch') return { core, settlesWithoutEpoch: true, end };
  if (bug === 'read without the window') return { core, readsWithoutWindow: true, end };
  if (bug === undefined) return { core, end };
  if (bug === 'mergeMap for concatMap') return withChanged('dispatcher/lane/lane.js', besideEachOther);
  if (bug === 'no word of what may have been sent')
    return withChanged('dispatcher/lane/lane-delivery.js', (code) => code.replace('attempt, mayBeRepeat,', 'attempt, mayBeRepeat: false,'));
  return withChanged('dispatcher/failure/doubt.js', (code) => code.replace('others.length === 0', 'others.length >= 0'));
}

/** A copy of core in which one file is another. */
async function withChanged(path: string, change: (code: string) => string): Promise<Variant & { readonly end: () => Promise<void> }> {
  const home = await mkdtemp(join(tmpdir(), 'waybill-planted-'));
  const dist = dirname(fileURLToPath(import.meta.resolve('@waybill/core')));
  await cp(dist, join(home, 'dist'), { recursive: true });
  await mkdir(join(home, 'node_modules'));
  for (const name of ['rxjs', 'uuid']) await symlink(packageOf(name, dist), join(home, 'node_modules', name), 'dir');
  await writeFile(join(home, 'package.json'), '{ "type": "module" }');

  const file = join(home, 'dist', path);
  const code = await readFile(file, 'utf8');
  const changed = change(code);
  if (changed === code) throw new Error(`core/dist/${path} has no place for the bug any more.`);
  await writeFile(file, changed);

  const planted = (await import(pathToFileURL(join(home, 'dist', 'index.js')).href)) as typeof core;
  return { core: planted, end: () => rm(home, { recursive: true, force: true }) };
}

/** The work of a lane is not done one after the other, but side by side. */
function besideEachOther(code: string): string {
  const [imports, ...body] = code.split("from 'rxjs';");
  const flattened = body.join("from 'rxjs';").replaceAll(/\b(concatMap|exhaustMap)\(/g, 'mergeMap(');
  if (flattened === body.join("from 'rxjs';")) return code;
  const names = imports!.includes('mergeMap') ? imports : imports!.replace('{', '{ mergeMap,');
  return `${names}from 'rxjs';${flattened}`;
}

/** Where core finds a package that it depends on. */
function packageOf(name: string, dist: string): string {
  const entry = fileURLToPath(import.meta.resolve(name, pathToFileURL(join(dist, 'index.js'))));
  return entry.slice(0, entry.lastIndexOf(join('node_modules', name)) + join('node_modules', name).length);
}
