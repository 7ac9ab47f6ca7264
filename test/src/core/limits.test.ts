import { randomUUID } from 'node:crypto';
import { InMemoryDatabase } from '@waybill/core/in-memory';
import type { LimitAnswer, LimitRequest } from '@waybill/core';
import { expect } from 'chai';
import { ManualClock } from '../shop/manual-clock.js';

describe('shared limits in memory', () => {
  const opened = (): { clock: ManualClock; ask: (request: Partial<LimitRequest>) => Promise<LimitAnswer> } => {
    const clock = new ManualClock();
    const { limits } = new InMemoryDatabase({ clock });
    return { clock, ask: (request) => limits.acquire({ name: 'one', permit: randomUUID(), permitMs: 1_000, ...request }) };
  };

  it('go by the clock of the database: a permit ends on the millisecond', async () => {
    const { clock, ask } = opened();
    await ask({ concurrency: 1 });

    await clock.pass(999);
    expect(await ask({ concurrency: 1 })).to.deep.equal({ granted: false, by: 'concurrency', waitMs: 1 });
    await clock.pass(1);
    expect(await ask({ concurrency: 1 })).to.deep.equal({ granted: true });
  });

  it('give a token for each part of the time, and none too early', async () => {
    const { clock, ask } = opened();
    const rate = { limit: 8, perMs: 1_024, burst: 2 };
    const grants = async (): Promise<number> => {
      let granted = 0;
      while ((await ask({ rate })).granted) granted++;
      return granted;
    };

    expect(await grants()).to.equal(2);
    await clock.pass(127);
    expect(await ask({ rate })).to.deep.equal({ granted: false, by: 'rate', waitMs: 1 });
    await clock.pass(1);
    expect(await grants()).to.equal(1);
    await clock.pass(10_000);
    expect(await grants()).to.equal(2);
  });
});
