import { expect } from 'chai';
import { endsCleanly } from './demo-endings.js';
import { allGone, startDemo } from './started-demo.js';

const EXAMPLE = '@waybill/example-orders';
const SERVERS = 3; // a database, the event store, and the payment service
const SMALL = ['--orders', '20', '--seed', '7'] as const;

describe('the orders demo', function () {
  this.timeout(180_000);

  it('ends with books that balance, though all its services were killed, and leaves nothing behind', async () => {
    const { exited, output } = startDemo(EXAMPLE, SMALL);

    const code = await exited;

    expect(output.text, output.text).to.contain('✓ The books balance');
    expect(output.text).to.match(/✗ the shop \(process \d+\) dies at "\w+"/);
    expect(output.text).to.contain('ada settles it as failed: cancelled at the bank');
    expect(code).to.equal(0);
    await allGone(output.text, SERVERS);
  });

  endsCleanly({
    ...{ example: EXAMPLE, servers: SERVERS, long: ['--orders', '300'], short: SMALL },
    interruptAt: (printed) => /placed [1-9]/.test(printed),
    killAt: (printed) => /placed [1-9]/.test(printed),
  });
});
