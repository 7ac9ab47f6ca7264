/**
 * Removes compiled files whose source is gone, which `tsc -b` leaves behind: they would go on being run as tests and
 * being packed into tarballs.
 */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const { references } = JSON.parse(readFileSync('tsconfig.json', 'utf8'));
for (const { path } of references) {
  const output = join(path, 'dist');
  if (!existsSync(output)) continue;
  const { compilerOptions } = JSON.parse(readFileSync(join(path, 'tsconfig.json'), 'utf8'));
  const sources = join(path, compilerOptions.rootDir);
  for (const file of readdirSync(output, { recursive: true })) {
    const module = /^(.*?)\.(?:d\.ts|js)(?:\.map)?$/.exec(file)?.[1];
    if (module && !existsSync(join(sources, `${module}.ts`))) rmSync(join(output, file));
  }
}
