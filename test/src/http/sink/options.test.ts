import { expect } from 'chai';
import { HttpSink } from '@waybill/http';
import type { HttpSinkOptions } from '@waybill/http';
import { Policy } from '@waybill/resilience';
import { failureOf } from '../../shop/failure-of.js';

const url = 'https://hooks.example.com/orders';
const [a, b] = [{ url: 'https://a.example.com' }, { url: 'https://b.example.com' }];
const doors = { targets: [a, b], targetsAre: 'doors-to-one-receiver' } as const;
const handed = new Policy({ name: 'handed' });
const asking = new Policy({ name: 'asking', onUnknownOutcome: 'query' });
const resending = new Policy({ name: 'resending', idempotent: true });

/** Options, and what the refusal of them must speak of. */
const REFUSED: readonly (readonly [title: string, options: unknown, speaks: RegExp])[] = [
  ['no source', { url }, /source/],
  ['a source with spaces', { source: 'my shop', url }, /source/],
  ['nowhere to send to', { source: '/shop' }, /either `url` or `targets`/],
  ['two ways to say where', { source: '/shop', url, targets: [a] }, /either `url` or `targets`/],
  ['no targets', { source: '/shop', targets: [] }, /nowhere/],
  ['an address that is none', { source: '/shop', url: 'hooks' }, /absolute http/],
  ['another protocol', { source: '/shop', url: 'ftp://x.example' }, /absolute http/],
  ['a password in the address', { source: '/shop', url: 'https://me:s3cret@x.example' }, /credentials/],
  ['an unknown mode', { source: '/shop', url, mode: 'json' }, /mode/],
  ['batches to a target that is not idempotent', { source: '/shop', url, mode: 'batch' }, /idempotent: true/],
  ['batches with a mapper', { source: '/shop', url, mode: 'batch', idempotent: true, request: () => ({}) }, /request/],
  ['batches with a query', { source: '/shop', url, mode: 'batch', idempotent: true, query: () => {} }, /query/],
  ['batches with replies', { source: '/shop', url, mode: 'batch', idempotent: true, reply: () => undefined }, /reply/],
  ['a secret that can be guessed', { source: '/shop', url, secrets: 'whsec_YWJj' }, /it has 3 bytes, and 24 are the least/],
  ['a secret that is no base64', { source: '/shop', url, secrets: 's3cret!' }, /base64/],
  ['an empty secret', { source: '/shop', url, secrets: '' }, /secret/],
  ['no secret of several', { source: '/shop', url, secrets: [] }, /secret/],
  ['a header of two lines', { source: '/shop', url, headers: { 'x-key': 's3cret\r\nx: y' } }, /x-key/],
  ['a header that the sink writes', { source: '/shop', url, headers: { 'Webhook-Id': '1' } }, /Webhook-Id/],
  ['metadata with an illegal name', { source: '/shop', url, metadata: ['tenant-id'] }, /tenant-id/],
  ['metadata that means something already', { source: '/shop', url, metadata: ['subject'] }, /subject/],
  ['metadata by the name of something that the SDK needs', { source: '/shop', url, metadata: ['constructor'] }, /constructor/],
  ['no requests in flight', { source: '/shop', url, inFlight: 0 }, /inFlight/],
  ['half a message in a batch', { source: '/shop', url, batch: { messages: 0.5 } }, /batch.messages/],
  ['no bytes in a batch', { source: '/shop', url, batch: { bytes: 0 } }, /batch.bytes/],
  ['less than no redirects', { source: '/shop', url, redirects: -1 }, /redirects/],
  ['no byte of an answer', { source: '/shop', url, maxAnswerBytes: 0 }, /maxAnswerBytes/],
  ['query without a query', { source: '/shop', url, policy: { onUnknownOutcome: 'query' } }, /query/],
  ['resending to a target that is not idempotent', { source: '/shop', url, policy: { onUnknownOutcome: 'resend' } }, /idempotent: true/],
  ['odd numbers of the policy', { source: '/shop', url, policy: { concurrency: -1 } }, /concurrency/],
  ['public addresses alone, with a policy that is handed in', { source: '/shop', url, policy: handed, publicOnly: true }, /publicOnly/],
  [
    'public addresses alone, said to the policy',
    { source: '/shop', url, policy: { publicOnly: true } },
    /`publicOnly` is said to the target/,
  ],
  ['a query that a policy never asks', { source: '/shop', url, policy: handed, query: () => {} }, /`query` is never asked/],
  ['a policy that asks, and nobody who can be asked', { source: '/shop', url, policy: asking }, /give it `query`/],
  ['a policy that sends again', { source: '/shop', url, policy: resending }, /idempotent: true/],
  ['several targets without a word', { source: '/shop', targets: [a, b] }, /targetsAre/],
  ['two targets of one name', { source: '/shop', ...doors, targets: [a, { ...a, url: 'https://a.example.com/b' }] }, /same name/],
  ['failover of one target', { source: '/shop', url, failover: {} }, /several targets/],
  ['batches to one of several', { source: '/shop', ...doors, idempotent: true, targets: [a, { ...b, mode: 'batch' }] }, /all targets/],
  ['an error rate of 50', { source: '/shop', ...doors, failover: { errorRate: 50 } }, /errorRate/],
  ['a way back that is none', { source: '/shop', ...doors, failover: { back: 'never' } }, /failover.back/],
  ['time that is none', { source: '/shop', ...doors, failover: { backAfterMs: Number.NaN } }, /backAfterMs/],
];

describe('options of an HTTP sink that cannot work', () => {
  for (const [title, options, speaks] of REFUSED)
    it(`are refused before anything is sent: ${title}`, async () => {
      const { message } = await failureOf('INVALID_OPTIONS', () => new HttpSink(options as HttpSinkOptions));

      expect(message).to.match(speaks);
      expect(message).not.to.contain('s3cret');
    });

  it('are told from those that can', () => {
    const query = async () => ({ outcome: 'unknown' as const });
    for (const options of [
      { url },
      { ...doors },
      { url, idempotent: true, mode: 'batch' },
      { url, policy: handed },
      { url, policy: asking, query },
    ] as const)
      expect(() => new HttpSink({ source: 'urn:example:shop', ...options })).not.to.throw();
  });
});
