import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The packages that go to npm, each with its folder and its package.json; run from the root of the repository. */
export function publicPackages() {
  return readdirSync('packages')
    .map((name) => join('packages', name))
    .map((folder) => ({ folder, manifest: JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) }))
    .filter(({ manifest }) => !manifest.private);
}

/** What a user may import of a package: its name and its subpaths, each with the file of its types. */
export function entriesOf({ manifest }) {
  return Object.entries(manifest.exports)
    .filter(([, entry]) => entry.types)
    .map(([subpath, { types }]) => ({ specifier: manifest.name + subpath.slice(1), types }));
}
