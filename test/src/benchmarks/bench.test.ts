import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';

const command = fileURLToPath(new URL('../../../benchmarks/dist/bench.js', import.meta.url));
const SECTIONS = ['commit', 'drain', 'poison', 'latency', 'idle', 'read', 'memory', 'receive', 'follow'];

describe('npm run bench', () => {
  it('prints a verdict beside each figure, of every section on every server', async function () {
    this.timeout(240_000);

    const { stdout } = await promisify(execFile)(process.execPath, [command, '--quick']); // rejects unless it exits with 0

    const rows = stdout
      .split('\n')
      .filter((line) => line.startsWith('| '))
      .map((line) => line.split('|').map((cell) => cell.trim()));
    const [heads, ...figures] = rows;
    const cellsOf = (head: string, server = /./): ReadonlySet<string | undefined> =>
      new Set(figures.filter((row) => server.test(row[1]!)).map((row) => row[heads!.indexOf(head)]));
    expect(cellsOf('section', /PostgreSQL/)).to.have.all.keys(...SECTIONS);
    expect(cellsOf('section', /^(?!.*EventStoreDB).*MongoDB/)).to.have.all.keys(...SECTIONS, 'commands');
    expect(cellsOf('section', /EventStoreDB/)).to.have.all.keys('sink');
    expect(cellsOf('section', /HTTP/)).to.have.all.keys('http');
    for (const verdict of cellsOf('verdict')) expect(verdict).to.match(/^right: /);
  });

  for (const [option, name, known] of [
    ['--only', 'commits', 'commit, drain, poison, latency'],
    ['--database', 'oracle', 'postgres, mongodb'],
  ] as const) {
    it(`names what there is when it is asked for ${option} ${name}`, async () => {
      const failure = await promisify(execFile)(process.execPath, [command, option, name]).catch(
        (error: { code: number; stderr: string }) => error,
      );

      expect(failure).to.include({ code: 2 });
      expect(failure.stderr).to.contain(known);
    });
  }
});
