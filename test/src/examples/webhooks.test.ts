import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { endsCleanly } from './demo-endings.js';
import { allGone, startDemo } from './started-demo.js';

const EXAMPLE = '@waybill/example-webhooks';
const SERVERS = 3; // two databases, and the receiver
const SMALL = ['--orders', '60', '--seed', '7'] as const;

describe('the webhooks demo', function () {
  this.timeout(120_000);

  for (const [way, ...args] of [['handling each message before it answers'], ['accepting now and handling later', '--accept']] as const) {
    it(`ends with the same sums on both sides, ${way}, and leaves nothing behind`, async () => {
      const { exited, output } = startDemo(EXAMPLE, [...SMALL, ...args]);

      const code = await exited;

      expect(output.text, output.text).to.contain("✓ Every customer's orders add up to the same on both sides");
      expect(code).to.equal(0);
      expect(milestones(output.text)).to.deep.equal(milestones(shownOnItsPage()));
      await allGone(output.text, SERVERS);
    });
  }

  endsCleanly({
    ...{ example: EXAMPLE, servers: SERVERS, long: ['--orders', '300'], short: SMALL },
    interruptAt: (printed) => printed.includes('is killed with SIGKILL'), // while the receiver is away
    killAt: (printed) => /delivered [1-9]/.test(printed),
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
