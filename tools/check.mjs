/** What CI runs, step by step, with a summary. `--rest` leaves out the tests, for whoever has just run them. */
import { spawnSync } from 'node:child_process';

const REST = ['lint', 'format:check', 'deps', 'api', 'package-test'];
const steps = process.argv.includes('--rest') ? REST : ['test', ...REST];

const results = steps.map((step) => {
  console.log(`\n=== ${step} ===`);
  const startedAt = Date.now();
  const { status } = spawnSync('npm', ['run', '--silent', step], { stdio: 'inherit' });
  return { step, passed: status === 0, seconds: (Date.now() - startedAt) / 1000 };
});

console.log('\n=== summary ===');
for (const { step, passed, seconds } of results) {
  console.log(`${passed ? 'ok    ' : 'FAILED'}  ${step.padEnd(13)} ${seconds.toFixed(1).padStart(6)} s`);
}
process.exitCode = results.every(({ passed }) => passed) ? 0 : 1;
