import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, loadavg, release, totalmem, type } from 'node:os';

export interface Machine {
  readonly date: string;
  readonly hardware: string;
  /** Load average of the last minute when the run began: above the number of cores, ratios still mean something, rates do not. */
  readonly load: number;
  readonly versions: Readonly<Record<string, string>>;
}

const PACKAGES = ['pg', 'mongodb', '@eventstore/db-client', 'graphile-worker', 'pg-transactional-outbox'];

export function thisMachine(): Machine {
  const cores = cpus();
  return {
    date: new Date().toISOString(),
    hardware: `${cores.length} x ${cores[0]?.model.trim() ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GB, ${type()} ${release()}`,
    load: loadavg()[0]!,
    versions: { node: process.versions.node, ...Object.fromEntries(PACKAGES.map((name) => [name, versionOf(name)])) },
  };
}

function versionOf(name: string): string {
  const folder = createRequire(import.meta.url)
    .resolve.paths(name)!
    .find((candidate) => exists(`${candidate}/${name}/package.json`));
  return folder ? (JSON.parse(readFileSync(`${folder}/${name}/package.json`, 'utf8')) as { version: string }).version : 'not installed';
}

function exists(path: string): boolean {
  try {
    readFileSync(path);
    return true;
  } catch {
    return false;
  }
}
