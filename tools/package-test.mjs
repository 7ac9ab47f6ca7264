/**
 * What a user gets: packs every public package, lints the tarballs, installs them in a folder far from the repository,
 * imports every entry under plain node, and compiles a consumer against the installed types in both resolutions.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { entriesOf, publicPackages } from './public-packages.mjs';

const packages = publicPackages();
const entries = packages.flatMap(entriesOf);
const root = JSON.parse(readFileSync('package.json', 'utf8'));
const consumer = mkdtempSync(join(tmpdir(), 'waybill-consumer-'));
const failures = [];

try {
  const tarballs = pack();
  await lint(tarballs);
  install(tarballs);
  importEntries();
  runCommands();
  compile('NodeNext', 'NodeNext');
  compile('ESNext', 'Bundler');
} catch (error) {
  failures.push(error.message);
} finally {
  rmSync(consumer, { recursive: true });
}
for (const failure of failures) console.log(`FAILED  ${failure}`);
process.exitCode = failures.length > 0 ? 1 : 0;

function pack() {
  const folder = join(consumer, 'tarballs');
  mkdirSync(folder);
  const workspaces = packages.flatMap(({ manifest }) => ['-w', manifest.name]);
  const packed = JSON.parse(run('npm', ['pack', '--json', '--pack-destination', folder, ...workspaces], process.cwd()));
  const results = Array.isArray(packed) ? packed : Object.values(packed); // npm 12 answers with an object
  return results.map(({ name, filename, size, entryCount }) => {
    console.log(`packed  ${name}: ${entryCount} files, ${Math.ceil(size / 1024)} kB`);
    return { name, file: join(folder, filename) };
  });
}

async function lint(tarballs) {
  for (const { name, file } of tarballs) {
    const { buffer } = new Uint8Array(readFileSync(file));
    const { manifest } = packages.find((candidate) => candidate.manifest.name === name);
    const { messages } = await publint({ pack: { tarball: buffer }, strict: true });
    failures.push(...messages.map((message) => `publint: ${name}: ${formatMessage(message, manifest)}`));
  }
  console.log(`linted  ${tarballs.length} tarballs with publint`);
}

function install(tarballs) {
  const peers = packages.flatMap(({ manifest }) =>
    Object.keys(manifest.peerDependencies ?? {}).map((name) => [name, pinOf(name, manifest)]),
  );
  const manifest = {
    private: true,
    type: 'module',
    dependencies: {
      ...Object.fromEntries(peers),
      ...Object.fromEntries(tarballs.map(({ name, file }) => [name, `file:${file}`])),
      typescript: root.devDependencies.typescript,
      '@types/node': root.devDependencies['@types/node'],
      '@types/mocha': root.devDependencies['@types/mocha'],
    },
    overrides: { '@types/node': '$@types/node' },
  };
  writeFileSync(join(consumer, 'package.json'), JSON.stringify(manifest, undefined, 2));
  run('npm', ['install', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel', 'error']);
  console.log(`installed  ${tarballs.length} tarballs and ${peers.length} peers`);
}

function pinOf(name, manifest) {
  return manifest.devDependencies?.[name] ?? root.devDependencies[name] ?? manifest.peerDependencies[name];
}

function importEntries() {
  for (const { specifier } of entries) {
    const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', `await import('${specifier}')`], {
      cwd: consumer,
      encoding: 'utf8',
    });
    if (status !== 0) failures.push(`import '${specifier}': ${stderr}`);
  }
  console.log(`imported  ${entries.map(({ specifier }) => specifier).join(', ')}`);
}

function runCommands() {
  for (const name of packages.flatMap(({ manifest }) => Object.keys(manifest.bin ?? {}))) {
    run(join(consumer, 'node_modules', '.bin', name), ['--help']);
    console.log(`ran  ${name} --help`);
  }
}

function compile(module, moduleResolution) {
  const lines = entries.map(({ specifier }, index) => `import * as entry${index} from '${specifier}';\nexport { entry${index} };\n`);
  writeFileSync(join(consumer, 'consumer.ts'), lines.join(''));
  const options = {
    module,
    moduleResolution,
    target: 'ES2023',
    lib: ['ES2023', 'DOM'],
    strict: true,
    noEmit: true,
    types: ['node', 'mocha'],
    skipLibCheck: false,
  };
  writeFileSync(join(consumer, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['consumer.ts'] }));
  const { status, stdout } = spawnSync(join(consumer, 'node_modules', '.bin', 'tsc'), ['-p', consumer], {
    cwd: consumer,
    encoding: 'utf8',
  });
  // Other people's declarations may be in disorder; ours may not.
  const ours = stdout.split('\n').filter((line) => /^(consumer\.ts|node_modules\/@waybill\/)/.test(line));
  if (ours.length > 0) failures.push(...ours.map((line) => `types (${moduleResolution}): ${line}`));
  console.log(`compiled  a consumer with moduleResolution ${moduleResolution}${status === 0 ? '' : ', past errors in third-party types'}`);
}

function run(command, args, cwd = consumer) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}\n${stdout ?? ''}${stderr ?? ''}${error ?? ''}`);
  return stdout;
}
