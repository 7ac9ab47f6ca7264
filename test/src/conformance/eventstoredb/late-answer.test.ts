import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { serverUnderTest } from './server-under-test.js';

const PROGRAM = fileURLToPath(new URL('append-one-bad-event.js', import.meta.url));

interface Told {
  readonly type: string;
  readonly message: string;
  readonly unhandled: string;
  readonly afterMs: number;
}

describe('EventStoreDB conformance: events that are answered twice', () => {
  // In processes of their own: the second answer ends the client's process, and wedges the client if it survives.
  it('refuses an empty type, a nil id and an id that is none, and two seconds later lets the same append time out', async () => {
    const { url } = await serverUnderTest();

    const told = await Promise.all(['empty-type', 'nil-id', 'no-id'].map((defect) => tell(url, defect)));

    for (const { type, message, unhandled, afterMs } of told) {
      expect({ type, message }).to.deep.equal({ type: 'unknown', message: 'Could not recognize BadRequest' });
      expect(unhandled).to.match(/^TypeError: .*undefined is not iterable/);
      expect(afterMs).to.be.within(1_000, 5_000);
    }
  });
});

async function tell(url: string, defect: string): Promise<Told> {
  const child = spawn(process.execPath, [PROGRAM, url, defect], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await once(child, 'close');
  return JSON.parse(output) as Told;
}
