/**
 * Runs all tests, in four processes side by side: most tests wait for something, and the cores are idle meanwhile. What the first one prints is
 * shown as it comes, the others' behind it. The last line is the sum: `N passed, N failed`.
 */
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const mocha = fileURLToPath(new URL('../node_modules/mocha/bin/mocha.js', import.meta.url));
/** Each takes about as long; the first one has what is left. */
const PARTS = [
  /^/,
  /\/(conformance|docs|mongodb|mongodb-emulator)\/|mongodb\.test\.js$/,
  /\/(benchmarks|http|postgres|receiving|resilience)\/|postgres\.test\.js$/,
  /\/(chaos|examples|simulation)\//,
];

const files = ['test/dist', 'test/legacy/dist'].flatMap((folder) =>
  readdirSync(`${root}${folder}`, { recursive: true })
    .filter((name) => name.endsWith('.test.js'))
    .map((name) => `${folder}/${name}`)
    .sort(),
);
const parts = PARTS.map((_, part) => files.filter((file) => PARTS.findLastIndex((belongs) => belongs.test(file)) === part));
const runs = cpus().length > 1 ? parts.map((part, index) => run(part, { live: index === 0 })) : [run(files, { live: true })];
const results = await Promise.all(runs);

for (const { output } of results) process.stdout.write(output);
const sum = (counted) => results.reduce((total, result) => total + result[counted], 0);
console.log(`\n${sum('passed')} passed, ${sum('failed')} failed`);
process.exitCode = sum('failed') > 0 || results.some(({ status }) => status !== 0) ? 1 : 0;

/** One process; `live`: its output is shown as it comes, and is not kept but for its end. */
function run(tests, { live }) {
  const child = spawn(process.execPath, [mocha, ...tests], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output = live ? (output + text).slice(-1_000) : output + text;
      if (live) process.stdout.write(text);
    });
  }
  return new Promise((resolve) => {
    child.on('close', (status) => {
      const closing = [...output.matchAll(/^(\d+) passed, (\d+) failed$/gm)].at(-1);
      const [passed, failed] = closing ? [Number(closing[1]), Number(closing[2])] : [0, 1]; // without a closing line it never got that far
      resolve({ status, passed, failed, output: live ? '' : output });
    });
  });
}
