import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Page {
  /** Path from the repository's root, with forward slashes. */
  readonly name: string;
  readonly text: string;
}

const root = fileURLToPath(new URL('../../../', import.meta.url));
const FOLDERS = ['docs', 'packages', 'examples', 'benchmarks', 'test'];

/** Every Markdown page of the repository. */
export function pages(): readonly Page[] {
  const names = [...readdirSync(root), ...FOLDERS.flatMap((folder) => inFolder(folder))];
  return names.filter((name) => name.endsWith('.md')).map((name) => ({ name, text: readFileSync(join(root, name), 'utf8') }));
}

function inFolder(folder: string): readonly string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (!entry.isDirectory()) return [path];
    return ['node_modules', 'dist'].includes(entry.name) ? [] : inFolder(path);
  });
}
