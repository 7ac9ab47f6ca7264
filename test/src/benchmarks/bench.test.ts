import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';

const command = fileURLToPath(new URL('../../../benchmarks/dist/bench.js', import.meta.url));

describe('npm run bench', () => {
  it('prints a verdict beside each figure, of every section', async function () {
    this.timeout(60_000);

    const { stdout } = await promisify(execFile)(process.execPath, [command, '--quick']); // rejects unless it exits with 0

    const rows = stdout
      .split('\n')
      .filter((line) => line.startsWith('| '))
      .map((line) => line.split('|').map((cell) => cell.trim()));
    const [heads, ...figures] = rows;
    const verdicts = figures.map((row) => row[heads!.indexOf('verdict')]);
    expect(new Set(figures.map((row) => row[1]))).to.have.all.keys('commit', 'drain', 'sink', 'latency', 'idle', 'read', 'memory');
    for (const verdict of verdicts) expect(verdict).to.match(/^right: /);
  });

  it('names the sections when it is asked for one that does not exist', async () => {
    const failure = await promisify(execFile)(process.execPath, [command, '--only', 'commits']).catch(
      (error: { code: number; stderr: string }) => error,
    );

    expect(failure).to.include({ code: 2 });
    expect(failure.stderr).to.contain('commit, drain, sink');
  });
});
