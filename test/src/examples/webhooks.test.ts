import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { until } from '../local-servers/killed-after-starting.js';
import { allGone, isGone, startDemo } from './started-demo.js';

const start = (...args: readonly string[]): ReturnType<typeof startDemo> => startDemo('@waybill/example-webhooks', args);
const SERVERS = 3; // two databases, and the receiver
const SMALL = ['--orders', '60', '--seed', '7'] as const;

describe('the webhooks demo', function () {
  this.timeout(120_000);

  for (const [way, ...args] of [['handling each message before it answers'], ['accepting now and handling later', '--accept']] as const) {
    it(`ends with the same sums on both sides, ${way}, and leaves nothing behind`, async () => {
      const { exited, output } = start(...SMALL, ...args);

      const code = await exited;

      expect(output.text, output.text).to.contain("✓ Every customer's orders add up to the same on both sides");
      expect(code).to.equal(0);
      expect(milestones(output.text)).to.deep.equal(milestones(shownOnItsPage()));
      await allGone(output.text, SERVERS);
    });
  }

  it('leaves nothing behind when it is interrupted while the receiver is away', async () => {
    const { demo, exited, output } = start('--orders', '300');
    await until(() => output.text.includes('is killed with SIGKILL'));

    demo.kill('SIGINT');

    expect(await exited).to.equal(130);
    await allGone(output.text, SERVERS);
  });

  it('leaves nothing behind when it is killed', async () => {
    const { demo, exited, output } = start('--orders', '300');
    await until(() => /delivered [1-9]/.test(output.text));

    demo.kill('SIGKILL');
    await exited;

    await until(() => isGone(output.text, SERVERS));
  });

  it('says what to do when a server does not answer', async () => {
    for (const [option, url, what] of [
      ['--postgres', 'postgres://nobody@127.0.0.1:1/none', 'Cannot connect to PostgreSQL at 127.0.0.1:1'],
      ['--mongodb', 'mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=100', 'Cannot use the MongoDB at 127.0.0.1:1'],
    ] as const) {
      const { exited, output } = start(...SMALL, option, url);

      expect(await exited).to.equal(1);
      expect(output.text).to.contain(what);
      expect(output.text).not.to.contain('    at '); // no stack trace
    }
  });
});

/** What the demo tells, without what differs from run to run: lines for good, and every row of the verdict. */
function milestones(printed: string): readonly string[] {
  const lines = printed.split('\n').map((line) => line.trim().replaceAll(/\d[\d,.]*/g, 'n'));
  return lines
    .filter((line) => /^([↻✗✓]|customers|orders|messages|sum of|n messages a second|n came)/.test(line))
    .map((line) => line.replace(/ +/g, ' '));
}

function shownOnItsPage(): string {
  const page = readFileSync(new URL('../../../examples/webhooks/README.md', import.meta.url), 'utf8');
  return page.slice(page.indexOf('## What you see'), page.indexOf('## Options'));
}
