import { expect } from 'chai';
import { Policy } from '@waybill/resilience';
import type { PolicyOptions } from '@waybill/resilience';
import { eventually, gate, isWaiting } from '@waybill/testing';
import { failureOf } from '../shop/failure-of.js';
import { onEveryDatabase } from './databases.js';
import type { OpenDatabase, OpenedDatabase } from './databases.js';

onEveryDatabase('policies of several processes that share their limits', <Tx>(open: OpenDatabase<Tx>) => {
  let opened: OpenedDatabase<Tx>;
  before(async () => void (opened = await open()));
  after(() => opened.close());

  const policies = (limit: string, options: Partial<PolicyOptions>): readonly [Policy, Policy] => {
    const of = (): Policy =>
      new Policy({
        name: limit,
        shared: true,
        database: opened.database,
        breaker: false,
        retry: { most: 0 },
        ...options,
      });
    return [of(), of()];
  };

  it('hold the concurrency together, and each waits until another has given its place back', async () => {
    const [one, other] = policies('places', { concurrency: 1 });
    const until = gate();
    const held = one.call(() => until.opened, { key: 'k' });
    await eventually('the first has its place', async () => (one.stats().inUse === 1 ? true : undefined));
    const waiting = other.call(() => Promise.resolve('done'), { key: 'k' });
    expect(await isWaiting(waiting)).to.equal(true);
    expect(other.stats()).to.include({ inUse: 0, waiting: 1 });

    until.open();

    expect(await waiting).to.equal('done');
    await held;
  });

  it('never have more under way than they may, and give every place back', async () => {
    const both = policies('crowd', { concurrency: 2, limits: { acquireMs: 15_000 } });
    let [inUse, most] = [0, 0];
    const work = async (): Promise<void> => {
      most = Math.max(most, ++inUse);
      await new Promise((resolve) => setImmediate(resolve));
      inUse -= 1;
    };

    await Promise.all(Array.from({ length: 12 }, (_, nth) => both[nth % 2]!.call(work, { key: 'k' })));

    expect(most).to.be.within(1, 2);
    const until = gate();
    const again = both.map((policy) => policy.call(() => until.opened, { key: 'k' }));
    await eventually('both have a place', async () => (both.every((policy) => policy.stats().inUse === 1) ? true : undefined));
    until.open();
    await Promise.all(again);
  }).timeout(20_000);

  it('give a place back that a caller waited for in vain, and one whose call failed', async () => {
    const [one, other] = policies('vain', { concurrency: 1 });
    const until = gate();
    const held = one.call(() => until.opened.then(() => Promise.reject(new Error('declined'))), { key: 'k' }).catch(() => undefined);
    await eventually('the first has its place', async () => (one.stats().inUse === 1 ? true : undefined));
    const stop = new AbortController();
    const waiting = other.call(() => expect.fail('was called'), { key: 'k', signal: stop.signal }).catch((error: unknown) => error);
    expect(await isWaiting(waiting)).to.equal(true);
    stop.abort(new Error('enough'));
    expect(await waiting).to.have.property('message', 'enough');

    until.open();
    await held;

    expect(await other.call(() => Promise.resolve('done'), { key: 'k' })).to.equal('done');
  });

  it('hold the rate together', async () => {
    const [one, other] = policies('tokens', { concurrency: false, rate: { limit: 1, perMs: 600_000 }, limits: { acquireMs: 2_000 } });
    await one.call(() => Promise.resolve(), { key: 'k' });

    const { message } = await failureOf('TARGET_UNAVAILABLE', () => other.call(() => expect.fail('was called'), { key: 'k' }));

    expect(message).to.contain('no free place within 2000 ms');
  });
});
