import { expect } from 'chai';
import type { HttpAnswer, PolicyOptions, Query } from '@waybill/resilience';
import { Policy } from '@waybill/resilience';
import { eventually } from '@waybill/testing';
import { HostileServer } from '../http/servers/hostile-server.js';
import { PaymentServer } from '../http/servers/payment-server.js';
import { failureOf } from '../shop/failure-of.js';
import { aPolicy, brokenOff, notReached } from './a-policy.js';

describe('an unknown outcome', () => {
  describe('of a payment', () => {
    let bank: PaymentServer;
    const policies: Policy[] = [];
    let asked = 0;

    beforeEach(async () => {
      bank = await PaymentServer.start();
      asked = 0;
    });
    afterEach(async () => {
      await bank.close();
      await Promise.all(policies.splice(0).map((policy) => policy.close()));
    });

    const aPayment = (overrides: Partial<PolicyOptions>): Policy => {
      const limits = { firstByteMs: 100, callMs: 1_000 };
      const policy = new Policy({ name: 'bank', preset: 'payment', limits, retry: { firstMs: 1, maxMs: 5 }, ...overrides });
      policies.push(policy);
      return policy;
    };
    const status: Query<HttpAnswer> = async (key) => {
      asked++;
      const answer = await fetch(`${bank.url}/${key}`);
      const { state } = (await answer.json()) as { state: string };
      if (state === 'done')
        return { outcome: 'done', result: { status: 201, headers: {}, body: Buffer.alloc(0), truncated: false, durationMs: 0 } };
      return { outcome: state === 'not-done' ? 'not-done' : 'unknown' };
    };
    const pay = (policy: Policy, options: { readonly mayBeRepeat?: boolean; readonly signal?: AbortSignal } = {}): Promise<HttpAnswer> =>
      policy.request({ url: bank.url, headers: { 'idempotency-key': 'p-1' }, body: '{}', key: 'p-1', query: status, ...options });

    for (const trouble of ['hangs', 'resets', 502, 504, 500] as const) {
      it(`is left to a person where that was asked for: it charges, then ${trouble}`, async () => {
        bank.next({ charges: 'yes', then: trouble });

        const { final, key, target } = await failureOf('OUTCOME_UNKNOWN', () => pay(aPayment({ retry: { most: 2 } })));

        expect({ final, key, target }).to.deep.equal({ final: true, key: 'p-1', target: 'bank' });
        expect(bank.orders).to.have.length(1);
      });

      it(`is asked for, and what was done is not done twice: it charges, then ${trouble}`, async () => {
        bank.next({ charges: 'yes', then: trouble });

        const { status: answered } = await pay(aPayment({ onUnknownOutcome: 'query', retry: { most: 2 } }));

        expect(answered).to.equal(201);
        expect(bank.charges).to.deep.equal(['p-1']);
        expect(bank.questions).to.deep.equal(['p-1']);
      });

      it(`is asked for, and what was not done is sent again: it does not charge, and ${trouble}`, async () => {
        bank.next({ charges: 'no', then: trouble });

        await pay(aPayment({ onUnknownOutcome: 'query', retry: { most: 2, firstMs: 1, maxMs: 5 } }));

        expect(bank.charges).to.deep.equal(['p-1']);
        expect(bank.orders).to.have.length(2);
      });
    }

    it('is not sent again by the preset on its own, also where it was not done', async () => {
      bank.next({ charges: 'no', then: 504 });

      await failureOf('TARGET_UNAVAILABLE', () => pay(aPayment({ onUnknownOutcome: 'query' })));

      expect(bank.orders).to.have.length(1);
    });

    it('stays unknown while the target cannot tell, and nothing is sent meanwhile', async () => {
      bank.next({ charges: 'later', then: 'hangs' });

      const { final } = await failureOf('OUTCOME_UNKNOWN', () => pay(aPayment({ onUnknownOutcome: 'query', retry: { most: 2 } })));

      expect(final).to.equal(false);
      expect(bank.orders).to.have.length(1);
      expect(bank.questions).to.have.length(3);
      bank.catchUp();
      await pay(aPayment({ onUnknownOutcome: 'query' }), { mayBeRepeat: true });
      expect(bank.charges).to.deep.equal(['p-1']);
    });

    it('stays unknown where the question itself fails', async () => {
      bank.next({ charges: 'yes', then: 'hangs' });
      bank.status = 'down';

      const { final } = await failureOf('OUTCOME_UNKNOWN', () => pay(aPayment({ onUnknownOutcome: 'query' })));

      expect(final).to.equal(false);
      expect(bank.charges).to.deep.equal(['p-1']);
    });

    it('is asked for before anything is sent, where an earlier process may have sent it', async () => {
      bank.next({ charges: 'yes', then: 'answers' });
      await pay(aPayment({}));

      await pay(aPayment({ onUnknownOutcome: 'query' }), { mayBeRepeat: true });

      expect(bank.orders).to.have.length(1);
      expect(bank.charges).to.deep.equal(['p-1']);
    });

    it('is sent where an earlier process may have sent it, and did not', async () => {
      await pay(aPayment({ onUnknownOutcome: 'query' }), { mayBeRepeat: true });

      expect(bank.charges).to.deep.equal(['p-1']);
    });

    it('is left to a person before anything is sent, where an earlier process may have sent it and nobody can be asked', async () => {
      const { final } = await failureOf('OUTCOME_UNKNOWN', () => pay(aPayment({}), { mayBeRepeat: true }));

      expect(final).to.equal(true);
      expect(bank.orders).to.have.length(0);
    });

    it('is told as such, at once, to a caller who gives up after it was sent', async () => {
      bank.next({ charges: 'yes', then: 'hangs' });
      const stop = new AbortController();
      const call = failureOf('OUTCOME_UNKNOWN', () => pay(aPayment({ limits: {}, onUnknownOutcome: 'query' }), { signal: stop.signal }));
      await eventually('the bank has the order', async () => bank.orders[0]);

      stop.abort(new Error('enough'));

      expect(await call).to.have.property('final', false);
      expect(asked).to.equal(0);
    });
  });

  describe('at a target that is idempotent', () => {
    const idempotent = (most: number): Policy => aPolicy({ idempotent: true, retry: { most, firstMs: 1, maxMs: 2 } });

    it('is sent again, under the same key', async () => {
      const keys: string[] = [];

      const result = await idempotent(2).call(({ key, attempt }) => (keys.push(key), attempt < 3 ? brokenOff() : Promise.resolve('done')), {
        key: 'm-1',
      });

      expect(result).to.equal('done');
      expect(keys).to.deep.equal(['m-1', 'm-1', 'm-1']);
    });

    it('is sent where an earlier process may have sent it', async () => {
      expect(await idempotent(0).call(() => Promise.resolve('done'), { key: 'k', mayBeRepeat: true })).to.equal('done');
    });

    it('is told as unknown when the tries are used up, for a later call to send again', async () => {
      const { final } = await failureOf('OUTCOME_UNKNOWN', () => idempotent(1).call(brokenOff, { key: 'k' }));

      expect(final).to.equal(false);
    });

    it('stays unknown when a later try does not get through: that says nothing about the first', async () => {
      await failureOf('OUTCOME_UNKNOWN', () =>
        idempotent(1).call(({ attempt }) => (attempt === 1 ? brokenOff() : notReached()), { key: 'k' }),
      );
    });

    it('stays unknown when it may be a repeat and is turned away', async () => {
      const policy = idempotent(1);
      policy.suspend('maintenance');

      const { cause } = await failureOf('OUTCOME_UNKNOWN', () => policy.call(notReached, { key: 'k', mayBeRepeat: true }));

      expect(cause).to.have.property('code', 'TARGET_UNAVAILABLE');
    });
  });

  it('of work that does not listen to its signal ends with the time for the call', async () => {
    const { message } = await failureOf('OUTCOME_UNKNOWN', () =>
      aPolicy({ limits: { callMs: 30 } }).call(() => new Promise(() => {}), { key: 'k' }),
    );

    expect(message).to.contain('not over within 30 ms');
  });

  it('does not come of a connection that the server closes while it idles: a payment has one of its own', async () => {
    const server = await HostileServer.start((_request, response) => response.end('{}'));
    const policy = new Policy({ name: 'bank', preset: 'payment' });

    for (let nth = 0; nth < 3; nth++) await policy.request({ url: server.url, key: 'k' });

    expect(server.connections).to.equal(3);
    await policy.close();
    await server.close();
  });
});
