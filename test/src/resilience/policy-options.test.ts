import { expect } from 'chai';
import { InMemoryDatabase } from '@waybill/core/in-memory';
import { Policy } from '@waybill/resilience';
import type { HttpRequest, PolicyOptions } from '@waybill/resilience';
import { failureOf } from '../shop/failure-of.js';
import { aPolicy } from './a-policy.js';

describe('the options of a policy', () => {
  const refused: readonly (readonly [string, Partial<PolicyOptions>, RegExp])[] = [
    ['no name', { name: '' }, /needs a name/],
    ['a name that shared limits could not have', { name: 'n'.repeat(201) }, /has 201 characters; .* 200/],
    ['a name that no database keeps', { name: 'a\0b' }, /\\u0000/],
    ['a preset that there is not', { preset: 'brisk' as 'steady' }, /there are steady, bursty, critical, messaging, payment/],
    ['no time to wait for a place', { limits: { acquireMs: 0 } }, /limits\.acquireMs is 0/],
    ['a time limit that is no number', { limits: { connectMs: Number.NaN } }, /limits\.connectMs is NaN/],
    ['a fraction of a millisecond', { limits: { writeMs: 0.5 } }, /limits\.writeMs/],
    ['a time limit below zero', { limits: { firstByteMs: -1 } }, /limits\.firstByteMs/],
    ['an endless time limit', { limits: { bodyMs: Number.POSITIVE_INFINITY } }, /limits\.bodyMs/],
    ['more time than a timer takes', { limits: { callMs: 2 ** 31 } }, /limits\.callMs/],
    ['no connections', { pool: { connections: 0 } }, /pool\.connections/],
    ['idle time below zero', { pool: { idleMs: -1 } }, /pool\.idleMs/],
    ['connections that do not live', { pool: { lifeMs: 0 } }, /pool\.lifeMs/],
    ['no calls at once', { concurrency: 0 }, /concurrency is 0/],
    ['a rate of nothing', { rate: { limit: 0, perMs: 1_000 } }, /rate\.limit/],
    ['a rate per no time', { rate: { limit: 1, perMs: 0 } }, /rate\.perMs/],
    ['a burst of nothing', { rate: { limit: 1, perMs: 1_000, burst: 0 } }, /rate\.burst/],
    ['tries below zero', { retry: { most: -1 } }, /retry\.most/],
    ['no first wait', { retry: { firstMs: 0 } }, /retry\.firstMs/],
    ['a longest wait below the first', { retry: { firstMs: 500, maxMs: 100 } }, /retry\.maxMs is 100; it must be a whole number from 500/],
    ['a window of no calls', { breaker: { window: { calls: 0 } } }, /breaker\.window\.calls/],
    ['a window of no time', { breaker: { window: { ms: 0 } } }, /breaker\.window\.ms/],
    ['a threshold of nothing', { breaker: { threshold: 0 } }, /breaker\.threshold is 0/],
    ['a threshold that is never passed', { breaker: { threshold: 1 } }, /breaker\.threshold is 1/],
    ['a breaker that needs more calls than its window holds', { breaker: { window: { calls: 10 }, least: 11 } }, /breaker\.least is 11/],
    ['a breaker that is open for no time', { breaker: { openMs: 0 } }, /breaker\.openMs/],
    ['no probes', { breaker: { probes: 0 } }, /breaker\.probes/],
    ['an unknown way with unknown outcomes', { onUnknownOutcome: 'hope' as 'halt' }, /must be resend, query or halt/],
    ['to send again to a target that is not idempotent', { onUnknownOutcome: 'resend' }, /declare `idempotent: true`/],
    ['shared limits without a database', { shared: true }, /need `database`/],
    ['nothing to share', { shared: true, database: new InMemoryDatabase(), concurrency: false }, /nothing to share/],
    ['a certificate that is none', { ca: 'trust me' }, /no certificate in PEM/],
  ];
  for (const [what, options, why] of refused) {
    it(`refuses ${what}`, async () => {
      const { message } = await failureOf('INVALID_OPTIONS', () => new Policy({ name: 'bank', ...options }));

      expect(message).to.match(why);
    });
  }

  it('opens a breaker of a window that is shorter than what the preset waits for', () => {
    expect(() => new Policy({ name: 'bank', breaker: { window: { calls: 5 } } })).not.to.throw();
  });

  const oddRequests: readonly (readonly [string, Partial<HttpRequest>])[] = [
    ['no URL', { url: 'bank' }],
    ['another protocol', { url: 'ftp://127.0.0.1/' }],
    ['credentials in the URL', { url: 'http://user:secret@127.0.0.1/' }],
    ['a bound of the answer below zero', { maxAnswerBytes: -1 }],
    ['redirects below zero', { redirects: -1 }],
    ['no key', { key: '' }],
    ['a header of two lines', { headers: { 'x-note': 'one\r\nx-admin: yes' } }],
    ['a method of two words', { method: 'GET /' }],
  ];
  for (const [what, request] of oddRequests) {
    it(`refuses a request with ${what}, and sends nothing`, async () => {
      const { message } = await failureOf('INVALID_OPTIONS', () => aPolicy().request({ url: 'http://127.0.0.1:1/', key: 'k', ...request }));

      expect(message).not.to.contain('secret');
    });
  }

  it('refuses a call that has no query, where outcomes are to be asked for', async () => {
    const { message } = await failureOf('INVALID_OPTIONS', () =>
      aPolicy({ onUnknownOutcome: 'query' }).call(() => expect.fail('was called'), { key: 'k' }),
    );

    expect(message).to.contain('give the call a `query`');
  });
});
