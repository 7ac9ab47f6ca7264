import { getEventListeners } from 'node:events';
import { expect } from 'chai';
import { InMemoryDatabase } from '@waybill/core/in-memory';
import type { Policy } from '@waybill/resilience';
import { eventually, gate, isWaiting } from '@waybill/testing';
import type { Gate } from '@waybill/testing';
import { failureOf } from '../shop/failure-of.js';
import { ManualClock } from '../shop/manual-clock.js';
import { aPolicy } from './a-policy.js';

describe('places of a policy', () => {
  /** Takes a place until the gate opens. */
  const occupy = (policy: Policy, until: Gate = gate()): { readonly until: Gate; readonly call: Promise<void> } => ({
    until,
    call: policy.call(() => until.opened, { key: 'k' }),
  });
  const callNow = (policy: Policy, signal?: AbortSignal): Promise<string> =>
    policy.call(() => Promise.resolve('done'), { key: 'k', ...(signal && { signal }) });

  it('lets so many calls through at once, and the next when one has ended', async () => {
    const policy = aPolicy({ concurrency: 2 });
    const [first, second] = [occupy(policy), occupy(policy)];
    const third = callNow(policy);
    expect(await isWaiting(third)).to.equal(true);
    expect(policy.stats()).to.include({ inUse: 2, waiting: 1 });

    first.until.open();

    expect(await third).to.equal('done');
    second.until.open();
    await second.call;
    expect(policy.stats()).to.include({ inUse: 0, waiting: 0 });
  });

  it('gives the place back when a call fails', async () => {
    const policy = aPolicy({ concurrency: 1 });
    await policy.call(() => Promise.reject(new Error('declined')), { key: 'k' }).catch(() => undefined);

    expect(await callNow(policy)).to.equal('done');
  });

  it('turns a call away that has no place in time, and has done nothing', async () => {
    const clock = new ManualClock();
    const policy = aPolicy({ concurrency: 1, limits: { acquireMs: 500, callMs: 5_000 }, clock });
    const first = occupy(policy);
    const second = failureOf('TARGET_UNAVAILABLE', () => policy.call(() => expect.fail('was called'), { key: 'k' }));

    await clock.pass(499);
    expect(policy.stats().waiting).to.equal(1);
    await clock.pass(1);

    expect((await second).message).to.contain('no free place within 500 ms');
    expect(policy.stats()).to.include({ waiting: 0, turnedAway: 1 });
    first.until.open();
    await first.call;
    expect(await callNow(policy)).to.equal('done');
  });

  it('wakes a call at once whose caller gives up while it waits, and passes its turn on', async () => {
    const policy = aPolicy({ concurrency: 1 });
    const first = occupy(policy);
    const stop = new AbortController();
    const second = callNow(policy, stop.signal).catch((error: unknown) => error);
    const third = callNow(policy);

    stop.abort(new Error('enough'));

    expect(await second).to.have.property('message', 'enough');
    first.until.open();
    expect(await third).to.equal('done');
  });

  it('gives the place to who waits longest, not to who comes at the moment when it is given back', async () => {
    const policy = aPolicy({ concurrency: 1 });
    const order: string[] = [];
    const takes = (who: string): Promise<number> => policy.call(() => Promise.resolve(order.push(who)), { key: 'k' });
    const held = occupy(policy);
    const waiting = [takes('first'), takes('second')];
    await isWaiting(waiting[0]!);

    held.until.open();
    // At each moment of the hand-over another one comes.
    for (let nth = 0; nth < 20; nth++) {
      waiting.push(takes('late'));
      await Promise.resolve();
    }
    await Promise.all(waiting);

    expect(order.slice(0, 2)).to.deep.equal(['first', 'second']);
    expect(order).to.have.length(22);
  });

  it('keeps no place for a call whose caller gives up at any moment of the hand-over', async () => {
    for (let moment = 0; moment < 20; moment++) {
      const policy = aPolicy({ concurrency: 1, limits: { acquireMs: 500 } });
      const stop = new AbortController();
      const held = occupy(policy);
      const waiting = callNow(policy, stop.signal).catch(() => undefined);
      await isWaiting(waiting);

      held.until.open();
      for (let turn = 0; turn < moment; turn++) await Promise.resolve();
      stop.abort(new Error('enough'));
      await waiting;

      expect(await callNow(policy)).to.equal('done');
    }
  });

  it('lets a burst through and then no more than the rate', async () => {
    const policy = aPolicy({ rate: { limit: 10, perMs: 1_000, burst: 3 } });
    const startedAt = performance.now();

    await Promise.all(Array.from({ length: 6 }, () => callNow(policy)));

    expect(performance.now() - startedAt).to.be.within(280, 2_000); // three at once, three more at 100 ms each
  });

  it('hands tokens out first come, first served', async () => {
    const policy = aPolicy({ rate: { limit: 50, perMs: 1_000, burst: 1 } });
    const order: number[] = [];

    await Promise.all([0, 1, 2, 3, 4].map((nth) => policy.call(() => Promise.resolve(order.push(nth)), { key: 'k' })));

    expect(order).to.deep.equal([0, 1, 2, 3, 4]);
  });

  it('gives no token to who comes at the right moment while another waits', async () => {
    const policy = aPolicy({ rate: { limit: 50, perMs: 1_000, burst: 1 } });
    const order: string[] = [];
    await callNow(policy);
    const waits = policy.call(() => Promise.resolve(order.push('waits')), { key: 'k' });
    await isWaiting(Promise.resolve()); // it is in line
    for (const until = performance.now() + 30; performance.now() < until;); // its token is there, its timer could not fire

    const comes = policy.call(() => Promise.resolve(order.push('comes')), { key: 'k' });
    await Promise.all([waits, comes]);

    expect(order).to.deep.equal(['waits', 'comes']);
  });

  it('keeps no permit for a call that got no token', async () => {
    const policy = aPolicy({ concurrency: 1, rate: { limit: 10, perMs: 1_000, burst: 1 }, limits: { acquireMs: 20 } });
    await callNow(policy);
    await failureOf('TARGET_UNAVAILABLE', () => callNow(policy));

    await eventually('a later call is made', async () => callNow(policy).catch(() => undefined));
  });

  it('listens to the signal of its caller no longer than the call takes', async () => {
    const { signal } = new AbortController();
    const policy = aPolicy({ concurrency: 1 });

    const first = occupy(policy);
    const second = callNow(policy, signal);
    first.until.open();
    await second;

    expect(getEventListeners(signal, 'abort')).to.have.length(0);
  });

  it('does not take the time limit of its caller for its own', async () => {
    const [outer, inner] = [aPolicy({ limits: { callMs: 30 } }), aPolicy({ concurrency: 1 })];
    const held = occupy(inner);
    let seen: unknown;

    await outer.call(({ signal }) => callNow(inner, signal).catch((error: unknown) => (seen = error)), { key: 'k' }).catch(() => undefined);

    await eventually('the inner call has ended', async () => seen);
    expect(seen).to.include({ name: 'TimeoutError', message: 'not over within 30 ms' });
    held.until.open();
    await held.call;
  });

  it('turns a call away that gets no token in time', async () => {
    const policy = aPolicy({ rate: { limit: 1, perMs: 60_000 }, limits: { acquireMs: 50 } });
    await callNow(policy);

    await failureOf('TARGET_UNAVAILABLE', () => callNow(policy));
  });

  describe('shared by processes', () => {
    const two = (options: Parameters<typeof aPolicy>[0]): readonly [Policy, Policy] => {
      const database = new InMemoryDatabase();
      return [aPolicy({ shared: true, database, ...options }), aPolicy({ shared: true, database, ...options })];
    };

    it('holds the concurrency of all of them together', async () => {
      const [one, other] = two({ concurrency: 1 });
      const held = occupy(one);
      await eventually('the first has its place', async () => (one.stats().inUse === 1 ? true : undefined));
      const waiting = callNow(other);
      expect(await isWaiting(waiting)).to.equal(true);

      held.until.open();

      expect(await waiting).to.equal('done');
    });

    it('holds the rate of all of them together', async () => {
      const [one, other] = two({ concurrency: false, rate: { limit: 1, perMs: 60_000 }, limits: { acquireMs: 50 } });
      await callNow(one);

      await failureOf('TARGET_UNAVAILABLE', () => callNow(other));
    });

    it('gives a permit back that is granted after its caller has given up', async () => {
      const database = new InMemoryDatabase();
      const [asked, mayAnswer, answered] = [gate(), gate(), gate()];
      const slow = {
        limits: {
          acquire: async (request: Parameters<typeof database.limits.acquire>[0]) => {
            asked.open();
            await mayAnswer.opened;
            return database.limits.acquire(request).finally(answered.open);
          },
          release: (name: string, permit: string) => database.limits.release(name, permit),
        },
      };
      const stop = new AbortController();
      const call = callNow(aPolicy({ shared: true, database: slow, concurrency: 1 }), stop.signal).catch((error: unknown) => error);
      await asked.opened;
      stop.abort(new Error('enough'));
      expect(await call).to.have.property('message', 'enough');

      mayAnswer.open();
      await answered.opened;

      expect(await callNow(aPolicy({ shared: true, database, concurrency: 1, limits: { acquireMs: 2_000 } }))).to.equal('done');
    });

    it('sends nothing while the database is away, and says so', async () => {
      const away = { limits: { acquire: () => Promise.reject(new Error('no route to host')), release: () => Promise.resolve() } };
      const policy = aPolicy({ shared: true, database: away });

      const { message } = await failureOf('TARGET_UNAVAILABLE', () => policy.call(() => expect.fail('was called'), { key: 'k' }));

      expect(message).to.contain('the database with its shared limits is away');
    });
  });
});
