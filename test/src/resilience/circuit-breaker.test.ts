import { expect } from 'chai';
import { useFakeTimers } from 'sinon';
import type { Policy, PolicyOptions } from '@waybill/resilience';
import { TargetUnavailableError } from '@waybill/core';
import { gate } from '@waybill/testing';
import { failureOf } from '../shop/failure-of.js';
import { ManualClock } from '../shop/manual-clock.js';
import { aPolicy, brokenOff, notReached } from './a-policy.js';

describe('a circuit breaker', () => {
  let clock: ManualClock;
  let policy: Policy;

  const begin = (breaker: PolicyOptions['breaker'], others: Partial<PolicyOptions> = {}): void => {
    clock = new ManualClock();
    policy = aPolicy({ breaker, clock, ...others });
  };
  const succeed = (): Promise<string> => policy.call(() => Promise.resolve('done'), { key: 'k' });
  const fail = (work = notReached): Promise<unknown> => policy.call(work, { key: 'k' }).catch((error: unknown) => error);
  const times = async (count: number, act: () => Promise<unknown>): Promise<void> => {
    for (let nth = 0; nth < count; nth++) await act();
  };

  it('opens when more than its share of the last calls failed, not before', async () => {
    begin({ window: { calls: 4 }, threshold: 0.5, least: 4, openMs: 1_000 });

    await times(2, succeed);
    await times(2, fail);
    expect(policy.state).to.equal('ready');
    await fail();

    expect(policy.state).to.equal('open');
    const { message, retryAfterMs } = await failureOf('TARGET_UNAVAILABLE', () =>
      policy.call(() => expect.fail('was called'), { key: 'k' }),
    );
    expect(message).to.contain('circuit breaker is open; the last: connect ECONNREFUSED.');
    expect(retryAfterMs).to.equal(1_000);
  });

  it('does not open before there were enough calls to judge by', async () => {
    begin({ window: { calls: 10 }, threshold: 0.1, least: 5 });

    await times(4, fail);
    expect(policy.state).to.equal('ready');
    await fail();

    expect(policy.state).to.equal('open');
  });

  it('counts lost answers, and not what the target has answered', async () => {
    begin({ window: { calls: 4 }, threshold: 0.5, least: 2 });

    await times(4, () => fail(() => Promise.reject(new Error('declined'))));
    expect(policy.state).to.equal('ready');
    await times(3, () => fail(brokenOff));

    expect(policy.state).to.equal('open');
  });

  it('does not count a call whose caller gave up', async () => {
    begin({ window: { calls: 2 }, threshold: 0.1, least: 1 });
    const stop = new AbortController();
    const call = policy.call(() => new Promise(() => {}), { key: 'k', signal: stop.signal }).catch((error: unknown) => error);
    await clock.pass(0);

    stop.abort();
    await call;

    expect(policy.state).to.equal('ready');
  });

  it('lets one probe through when its time is over, and closes when enough of them succeeded', async () => {
    begin({ window: { calls: 2 }, threshold: 0.5, least: 2, openMs: 1_000, probes: 2 });
    await times(2, fail);
    await clock.pass(999);
    await failureOf('TARGET_UNAVAILABLE', succeed);
    await clock.pass(1);
    expect(policy.state).to.equal('half-open');

    const answer = gate();
    const probe = policy.call(() => answer.opened, { key: 'k' });
    await clock.pass(0);
    const meanwhile = await failureOf('TARGET_UNAVAILABLE', succeed);
    answer.open();
    await probe;

    expect(meanwhile.message).to.contain('half-open');
    expect(policy.state).to.equal('half-open');
    await succeed();
    expect(policy.state).to.equal('ready');
  });

  for (const before of [0, 1]) {
    it(`opens again for as long when probe ${before + 1} fails`, async () => {
      begin({ window: { calls: 10 }, threshold: 0.5, least: 2, openMs: 1_000, probes: 3 });
      await times(2, fail);
      await clock.pass(1_000);
      await times(before, succeed);

      await fail();

      expect(policy.state).to.equal('open');
      await clock.pass(999);
      expect(policy.state).to.equal('open');
      await clock.pass(1);
      expect(policy.state).to.equal('half-open');
    });
  }

  it('lets another probe try it when one was never answered, and ended with the time for a call', async () => {
    begin({ window: { calls: 2 }, threshold: 0.5, least: 2, openMs: 1_000, probes: 1 }, { limits: { callMs: 500 } });
    await times(2, fail);
    await clock.pass(1_000);
    const probe = fail(() => new Promise(() => {}));
    await clock.pass(500);
    await probe;
    expect(policy.state).to.equal('open');

    await clock.pass(1_000);
    await succeed();

    expect(policy.state).to.equal('ready');
  });

  it('opens again when the caller of a probe gives up', async () => {
    begin({ window: { calls: 2 }, threshold: 0.5, least: 2, openMs: 1_000 });
    await times(2, fail);
    await clock.pass(1_000);
    const stop = new AbortController();
    const probe = policy.call(() => new Promise(() => {}), { key: 'k', signal: stop.signal }).catch((error: unknown) => error);
    await clock.pass(0);

    stop.abort();
    await probe;

    expect(policy.state).to.equal('open');
  });

  it('does not let a call that began before it opened speak for the target afterwards', async () => {
    begin({ window: { calls: 10 }, threshold: 0.5, least: 2, openMs: 1_000, probes: 2 });
    const answer = gate();
    const old = policy.call(() => answer.opened, { key: 'k' });
    await times(2, fail);
    await clock.pass(1_000);
    await succeed();

    answer.open();
    await old;

    expect(policy.state).to.equal('half-open'); // one probe of two
  });

  it('turns away what was still waiting for its place when it opened', async () => {
    begin({ window: { calls: 2 }, threshold: 0.5, least: 1, openMs: 1_000 }, { concurrency: 1 });
    const answer = gate();
    const failing = policy.call(() => answer.opened.then(notReached), { key: 'k' }).catch((error: unknown) => error);
    const waiting = failureOf('TARGET_UNAVAILABLE', () => policy.call(() => expect.fail('was called'), { key: 'k' }));
    await clock.pass(0);

    answer.open();
    await failing;

    expect((await waiting).message).to.contain('circuit breaker is open');
  });

  it('closes when a person says so', async () => {
    begin({ window: { calls: 2 }, threshold: 0.5, least: 2 });
    await times(2, fail);
    expect(policy.state).to.equal('open');

    policy.resume();

    expect(policy.state).to.equal('ready');
    expect(await succeed()).to.equal('done');
    await fail();
    expect(policy.state).to.equal('ready'); // and has forgotten what was before
  });

  it('can be left out', async () => {
    begin(false);

    await times(200, fail);

    expect(policy.state).to.equal('ready');
  });

  describe('of a time window', () => {
    let date: ReturnType<typeof useFakeTimers>;

    beforeEach(() => (date = useFakeTimers({ toFake: ['Date'] })));
    afterEach(() => date.restore());

    it('opens by the calls of the last so many milliseconds', async () => {
      begin({ window: { ms: 60_000 }, threshold: 0.5, least: 4 });

      await times(2, succeed);
      await times(2, fail);
      expect(policy.state).to.equal('ready');
      date.tick(30_000);
      await fail();

      expect(policy.state).to.equal('open');
    });

    it('forgets what is older, however few calls there were since', async () => {
      begin({ window: { ms: 60_000 }, threshold: 0.5, least: 4 });

      await times(3, fail);
      for (let minute = 0; minute < 10; minute++) {
        date.tick(61_000);
        await fail();
      }

      expect(policy.state).to.equal('ready');
    });
  });

  describe('and a target that asks for a pause', () => {
    const busy = (retryAfterMs: number): Promise<unknown> =>
      fail(() => Promise.reject(new TargetUnavailableError('bank', 'it is busy', { retryAfterMs })));

    it('leaves it alone for as long, whoever calls, and says how much of that is left', async () => {
      begin(false, { retry: { most: 2 } });
      await busy(5_000);
      expect(policy.state).to.equal('held');

      await clock.pass(3_000);

      const { retryAfterMs } = await failureOf('TARGET_UNAVAILABLE', () => policy.call(() => expect.fail('was called'), { key: 'k' }));
      expect(retryAfterMs).to.equal(2_000);
      await clock.pass(2_000);
      expect(await succeed()).to.equal('done');
    });

    it('is none where the pause is no number, and the next one is kept', async () => {
      begin(false);
      await busy(Number.NaN);
      expect(policy.state).to.equal('ready');

      await busy(5_000);

      expect(policy.state).to.equal('held');
    });

    it('asks again after an hour, whatever it said', async () => {
      begin(false);
      await busy(10 * 365 * 24 * 3_600_000);

      await clock.pass(3_600_000);

      expect(await succeed()).to.equal('done');
    });
  });
});
