/** Removes all compiled output, also that of sources that are gone, which `tsc -b --clean` leaves behind. */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const { references } = JSON.parse(readFileSync('tsconfig.json', 'utf8'));
for (const { path } of references) rmSync(join(path, 'dist'), { recursive: true, force: true });
