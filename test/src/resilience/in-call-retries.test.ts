import { expect } from 'chai';
import { ManualClock } from '../shop/manual-clock.js';
import { failureOf } from '../shop/failure-of.js';
import { aPolicy, brokenOff, notReached } from './a-policy.js';

describe('tries within a call', () => {
  const retry = { most: 2, firstMs: 100, maxMs: 150 };

  it('are made again where nothing was done, so many times', async () => {
    const attempts: number[] = [];
    const policy = aPolicy({ retry, random: () => 0 });

    const { message, cause } = await failureOf('TARGET_UNAVAILABLE', () =>
      policy.call(({ attempt }) => (attempts.push(attempt), notReached()), { key: 'k' }),
    );

    expect(attempts).to.deep.equal([1, 2, 3]);
    expect(message).to.equal('bank is not available: connect ECONNREFUSED. Nothing was done there; it is safe to try again.');
    expect(cause).to.have.property('code', 'ECONNREFUSED');
  });

  it('end with the first that succeeds, and are all made with the same key', async () => {
    const keys: string[] = [];
    const policy = aPolicy({ retry, random: () => 0 });

    const result = await policy.call(({ attempt, key }) => (keys.push(key), attempt < 2 ? notReached() : Promise.resolve('done')), {
      key: 'm-1',
    });

    expect(result).to.equal('done');
    expect(keys).to.deep.equal(['m-1', 'm-1']);
  });

  it('wait for longer each time, up to a longest wait, by a share that is drawn', async () => {
    const clock = new ManualClock();
    const at: number[] = [];
    const policy = aPolicy({ retry: { most: 3, firstMs: 100, maxMs: 300 }, clock, random: () => 0.5 });

    const call = policy.call(() => (at.push(clock.monotonic()), notReached()), { key: 'k' }).catch(() => undefined);
    await clock.pass(10_000);
    await call;

    expect(at).to.deep.equal([0, 50, 150, 300]);
  });

  it('are not made where the target has answered: the answer is thrown on', async () => {
    let tries = 0;
    const declined = new Error('declined');

    const call = aPolicy({ retry }).call(() => (tries++, Promise.reject(declined)), { key: 'k' });

    expect(await call.catch((error: unknown) => error)).to.equal(declined);
    expect(tries).to.equal(1);
  });

  it('are not made where nobody knows, and nobody said that it does not matter', async () => {
    let tries = 0;

    await failureOf('OUTCOME_UNKNOWN', () => aPolicy({ retry }).call(() => (tries++, brokenOff()), { key: 'k' }));

    expect(tries).to.equal(1);
  });

  it('follow what the caller knows about its own errors', async () => {
    let tries = 0;
    const policy = aPolicy({ retry, random: () => 0 });

    await failureOf('TARGET_UNAVAILABLE', () =>
      policy.call(() => (tries++, Promise.reject(new Error('the till is closed'))), { key: 'k', outcomeOf: () => 'not-done' }),
    );

    expect(tries).to.equal(3);
  });

  it('stop at once when the caller gives up in between', async () => {
    const clock = new ManualClock();
    let tries = 0;
    const stop = new AbortController();
    const call = aPolicy({ retry, clock, random: () => 0.9 })
      .call(() => (tries++, notReached()), { key: 'k', signal: stop.signal })
      .catch((error: unknown) => error);
    await clock.pass(0); // the first try has failed

    stop.abort(new Error('enough'));

    expect(await call).to.have.property('message', 'enough'); // no time has passed
    expect(tries).to.equal(1);
  });

  it('are not begun for a caller who has given up before', async () => {
    const call = aPolicy().call(() => expect.fail('was called'), { key: 'k', signal: AbortSignal.abort(new Error('enough')) });

    expect(await call.catch((error: unknown) => error)).to.have.property('message', 'enough');
  });

  const codes: readonly (readonly [object, string])[] = [
    [{ code: 'ENOTFOUND' }, 'TARGET_UNAVAILABLE'],
    [{ code: 'EAI_AGAIN' }, 'TARGET_UNAVAILABLE'],
    [{ code: 'UND_ERR_CONNECT_TIMEOUT' }, 'TARGET_UNAVAILABLE'],
    [{ code: 'ETIMEDOUT', syscall: 'connect' }, 'TARGET_UNAVAILABLE'],
    [{ code: 'EHOSTUNREACH', syscall: 'connect' }, 'TARGET_UNAVAILABLE'],
    [{ code: 'ERR_TLS_CERT_ALTNAME_INVALID' }, 'TARGET_UNAVAILABLE'],
    [{ code: 'ETIMEDOUT', syscall: 'read' }, 'OUTCOME_UNKNOWN'],
    [{ code: 'EHOSTUNREACH', syscall: 'read' }, 'OUTCOME_UNKNOWN'],
    [{ code: 'EPIPE' }, 'OUTCOME_UNKNOWN'],
    [{ code: 'UND_ERR_HEADERS_TIMEOUT' }, 'OUTCOME_UNKNOWN'],
    [{ code: 'UND_ERR_SOCKET' }, 'OUTCOME_UNKNOWN'],
    [{ code: 'HPE_INVALID_CONSTANT' }, 'OUTCOME_UNKNOWN'],
    [{ name: 'TimeoutError' }, 'OUTCOME_UNKNOWN'],
    [{ name: 'AbortError' }, 'OUTCOME_UNKNOWN'],
  ];
  for (const [properties, code] of codes) {
    it(`tell ${code} of ${JSON.stringify(properties)}, also where it is the cause of another`, async () => {
      const error = Object.assign(new Error('trouble'), properties);
      const wrapped = new TypeError('fetch failed', { cause: error });

      for (const thrown of [error, wrapped]) {
        const call = aPolicy().call(() => Promise.reject(thrown), { key: 'k' });
        expect(await call.catch((failure: unknown) => failure)).to.have.property('code', code);
      }
    });
  }
});
