import { expect } from 'chai';
import { delay, systemClock } from '@waybill/core';

const SETTLE_MS = 20;

describe('the system clock', () => {
  it('waits for long where a timer of Node would fire at once', async () => {
    let fired = false;
    const cancel = systemClock.after(2 ** 40, () => (fired = true));

    await delay(systemClock, SETTLE_MS);

    expect(fired).to.equal(false);
    cancel();
  });

  it('ends a wait when it is told to, or was told before', async () => {
    const abort = new AbortController();
    const waiting = delay(systemClock, 60_000, abort.signal);

    abort.abort();

    await waiting;
    await delay(systemClock, 60_000, abort.signal);
  });
});
