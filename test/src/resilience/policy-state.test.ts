import { expect } from 'chai';
import type { Policy, PolicyChange } from '@waybill/resilience';
import { failureOf } from '../shop/failure-of.js';
import { ManualClock } from '../shop/manual-clock.js';
import { gate } from '@waybill/testing';
import { aPolicy, brokenOff, notReached } from './a-policy.js';

describe('what a policy tells', () => {
  let clock: ManualClock;
  let policy: Policy;

  beforeEach(() => {
    clock = new ManualClock();
    policy = aPolicy({ clock, breaker: { window: { calls: 2 }, threshold: 0.5, least: 2, openMs: 1_000, probes: 1 } });
  });

  const taking = (ms: number, work: () => Promise<unknown> = () => Promise.resolve('done')): Promise<unknown> => {
    const call = policy.call(() => new Promise((resolve) => clock.after(ms, () => resolve(undefined))).then(work), { key: 'k' });
    return Promise.all([call.catch(() => undefined), clock.pass(ms)]);
  };

  describe('of the last minute', () => {
    beforeEach(() => (policy = aPolicy({ clock })));

    it('is how long answers took, by percentiles', async () => {
      for (let ms = 1; ms <= 100; ms++) await taking(ms);

      const { p50, p90, p95, p99, max } = policy.stats().latencyMs;

      expect(p50).to.be.closeTo(50, 1);
      expect(p90).to.be.closeTo(90, 1);
      expect(p95).to.be.closeTo(95, 1);
      expect(p99).to.be.closeTo(99, 1);
      expect(max).to.be.closeTo(100, 1);
    });

    it('is how tries ended, and the share that failed by the fault of the target', async () => {
      await taking(1);
      await taking(1, () => Promise.reject(new Error('declined')));
      await taking(1, notReached);
      await taking(1, brokenOff);
      const stop = new AbortController();
      const given = policy.call(() => new Promise(() => {}), { key: 'k', signal: stop.signal }).catch(() => undefined);
      await clock.pass(0);
      stop.abort();
      await given;

      const { outcomes, tries, errorRate } = policy.stats();

      expect(outcomes).to.deep.equal({ done: 1, refused: 1, unavailable: 1, unknown: 1, aborted: 1 });
      expect({ tries, errorRate }).to.deep.equal({ tries: 5, errorRate: 0.4 });
    });

    it('has the tries in it that the caller could not judge: nobody knows about them', async () => {
      const broken = (): never => {
        throw new Error('a mistake');
      };

      const { message, cause } = await failureOf('OUTCOME_UNKNOWN', () =>
        policy.call(() => Promise.reject(new Error('declined')), { key: 'k', outcomeOf: broken }),
      );

      expect(message).to.contain('`outcomeOf` threw: Error: a mistake');
      expect(cause).to.have.nested.property('cause.message', 'declined');
      expect(policy.stats().outcomes).to.include({ unknown: 1 });
    });

    it('does not count how long it took not to be answered', async () => {
      await taking(5);
      await taking(900, brokenOff);

      expect(policy.stats().latencyMs.max).to.be.closeTo(5, 0.1);
    });

    it('is forgotten after a minute', async () => {
      await taking(5);
      await clock.pass(29_000);
      expect(policy.stats()).to.include({ tries: 1 });
      await clock.pass(30_000);
      expect(policy.stats().windowMs).to.be.within(29_000, 60_000);

      await clock.pass(30_000);

      expect(policy.stats()).to.deep.include({ tries: 0, errorRate: 0, latencyMs: { p50: 0, p90: 0, p95: 0, p99: 0, max: 0 } });
    });

    it('is forgotten after a minute, also where nobody looked in between', async () => {
      await taking(5);

      await clock.pass(60_000);

      expect(policy.stats()).to.include({ tries: 0 });
    });

    it('is kept for half a minute at least', async () => {
      await clock.pass(29_999);
      await taking(1);
      await clock.pass(29_000);

      expect(policy.stats()).to.include({ tries: 1 });
    });
  });

  it('is each change of its state, with the reason', async () => {
    const changes: PolicyChange[] = [];
    const end = policy.onChange((change) => changes.push(change));
    const call = (work: () => Promise<unknown>): Promise<unknown> => policy.call(work, { key: 'k' }).catch(() => undefined);

    await call(notReached);
    await call(notReached);
    await clock.pass(1_000);
    await call(() => Promise.resolve('done'));
    policy.suspend('moving house');
    policy.resume();
    end();
    policy.suspend('again');

    expect(changes.map(({ previous, state }) => `${previous} -> ${state}`)).to.deep.equal([
      'ready -> open',
      'open -> half-open',
      'half-open -> ready',
      'ready -> suspended',
      'suspended -> ready',
    ]);
    expect(changes[0]).to.deep.include({
      policy: 'bank',
      reason: 'too many calls failed, its circuit breaker is open; the last: connect ECONNREFUSED',
    });
    expect(changes[3]!.reason).to.equal('it is suspended: moving house');
  });

  it('does not stop for a listener that throws', async () => {
    policy.onChange(() => {
      throw new Error('oops');
    });

    policy.suspend('maintenance');

    expect(policy.state).to.equal('suspended');
  });

  it('is that calls are turned away while it is suspended, and made when it is not any more', async () => {
    policy.suspend('moving house');
    const { message } = await failureOf('TARGET_UNAVAILABLE', () => policy.call(() => expect.fail('was called'), { key: 'k' }));
    expect(message).to.contain('moving house');
    expect(policy.stats()).to.include({ state: 'suspended', reason: 'it is suspended: moving house', turnedAway: 1, tries: 0 });

    policy.resume();

    expect(await policy.call(() => Promise.resolve('done'), { key: 'k' })).to.equal('done');
  });

  it('is that it is closed: calls under way end, and no others begin', async () => {
    const answer = gate();
    const underWay = policy.call(() => answer.opened.then(() => 'done'), { key: 'k' });
    await clock.pass(0);

    await policy.close();
    await policy.close();

    await failureOf('TARGET_UNAVAILABLE', () => policy.call(() => expect.fail('was called'), { key: 'k' }));
    answer.open();
    expect(await underWay).to.equal('done');
  });
});
