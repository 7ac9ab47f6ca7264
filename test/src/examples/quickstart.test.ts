import { expect } from 'chai';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const example = new URL('../../../examples/quickstart/', import.meta.url);

describe('the quickstart', function () {
  this.timeout(60_000);

  it('prints what its page shows', async () => {
    expect(await output('quickstart')).to.equal(expected('quickstart'));
  });

  it('halts a lane, and lets it go on, as its page shows', async () => {
    expect(await output('halt-and-resume')).to.equal(expected('halt-and-resume'));
  });

  it('parks a stream, and redrives it, as its page shows', async () => {
    expect(await output('park-and-redrive')).to.equal(expected('park-and-redrive'));
  });

  it('stays under 60 lines, for it is the first thing that people read', () => {
    const lines = readFileSync(new URL('src/quickstart.ts', example), 'utf8').trimEnd().split('\n');

    expect(lines.length).to.be.below(60);
  });
});

async function output(program: string): Promise<string> {
  const { POSTGRES_URL: _postgres, EVENTSTOREDB_URL: _eventStore, ...env } = process.env; // what is printed depends on what is there
  const path = fileURLToPath(new URL(`dist/${program}.js`, example));
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [path], { env });
  expect(stderr).to.equal('');
  return stdout;
}

const expected = (program: string): string => readFileSync(new URL(`${program}.txt`, example), 'utf8');
