import { expect } from 'chai';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { CrashPoints, isWaiting } from '@waybill/testing';

describe('crash points', () => {
  const outcomeOf = async (act: Promise<void>): Promise<string> =>
    act.then(
      () => 'passed',
      (error: Error) => error.message,
    );

  it('let pass what nobody armed', async () => {
    const crash = new CrashPoints();
    crash.throwAt('delivered');

    await crash.reached('read');
  });

  it('throw once, at the moment, and name it', async () => {
    const crash = new CrashPoints();
    crash.throwAt('delivered');

    const outcomes = [await outcomeOf(crash.reached('delivered')), await outcomeOf(crash.reached('delivered'))];

    expect(outcomes).to.deep.equal(['Stopped by a test at "delivered", time 1.', 'passed']);
  });

  it('count from when they were armed', async () => {
    const crash = new CrashPoints();
    await crash.reached('settled');
    crash.throwAt('settled', { nth: 3 });

    const outcomes = [];
    for (let nth = 0; nth < 4; nth++) outcomes.push(await outcomeOf(crash.reached('settled')));

    expect(outcomes.map((outcome) => outcome === 'passed')).to.deep.equal([true, true, false, true]);
  });

  it('can be armed several at a time', async () => {
    const crash = new CrashPoints();
    crash.throwAt('settled', { nth: 1 });
    crash.throwAt('settled', { nth: 2 });
    crash.throwAt('read');

    for (const moment of ['settled', 'settled', 'read'] as const) expect(await outcomeOf(crash.reached(moment))).to.include(moment);
  });

  it('hold whoever comes, until they let go', async () => {
    const crash = new CrashPoints();
    const held = crash.holdAt('appended');
    expect(await isWaiting(held)).to.equal(true);

    const passing = crash.reached('appended');
    const { release } = await held;
    expect(await isWaiting(passing)).to.equal(true);
    release();

    await passing;
    await crash.reached('appended');
  });

  it('refuse to count from 0', () => {
    expect(() => new CrashPoints().throwAt('read', { nth: 0 })).to.throw(RangeError);
  });

  it('kill the process there, before it can do anything more', async () => {
    const child = spawn(process.execPath, [fileURLToPath(new URL('killed-process.js', import.meta.url))], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.on('data', (text: Buffer) => (output += text.toString()));

    const [code, signal] = (await once(child, 'close')) as [number | null, string | null];

    expect([code, signal]).to.deep.equal([null, 'SIGKILL']);
    expect(output).to.equal('first\nsecond\n');
  });
});
