import { expect } from 'chai';
import type { Classification, HttpSinkOptions } from '@waybill/http';
import type { DeliveryFailure } from '@waybill/core';
import { Policy } from '@waybill/resilience';
import { messagesOf } from '@waybill/testing';
import { ManualClock } from '../../shop/manual-clock.js';
import { answering, busy, redirecting } from '../servers/answers.js';
import type { Answer } from '../servers/hostile-server.js';
import { aSink, anEndpoint, closeEverything, deliver } from './sinks.js';

describe('an answer to an HTTP sink', () => {
  closeEverything();

  const failureTo = async (answer: Answer, options: Partial<HttpSinkOptions> = {}): Promise<DeliveryFailure | undefined> => {
    const server = await anEndpoint(answer);
    const { accepted, failure } = await deliver(aSink({ url: server.url, ...options }), messagesOf('order-7', 1));
    expect(accepted).to.equal(failure ? 0 : 1);
    return failure;
  };

  const MEANS = {
    accepted: [200, 201, 202, 204, 299],
    SINK_UNAVAILABLE: [408, 425, 429, 500, 503],
    OUTCOME_UNKNOWN: [501, 502, 504, 507, 520, 524, 599],
    MESSAGE_REJECTED: [
      300, 301, 302, 303, 304, 307, 308, 400, 401, 402, 403, 404, 405, 406, 409, 410, 411, 413, 415, 418, 422, 423, 431, 451, 499,
    ],
  };
  for (const [meaning, statuses] of Object.entries(MEANS))
    it(`means ${meaning}, with a status of ${statuses.join(', ')}`, async () => {
      const meant = await Promise.all(statuses.map((status) => failureTo((_request, response) => void response.writeHead(status).end())));

      expect(meant.map((failure) => failure?.code ?? 'accepted')).to.deep.equal(statuses.map(() => meaning));
    });

  it('that refuses names the message, tells what was said, and is not for good', async () => {
    const failure = await failureTo(answering(422, { detail: 'no   such customer' }));

    expect(failure).to.include({ code: 'MESSAGE_REJECTED', final: false });
    expect(failure?.message).to.contain('422 {"detail":"no such customer"}');
  });

  it('that is a problem document is told in its own words, all of them', async () => {
    const detail = `Message ${'a'.repeat(36)} (order-7@3) came too early: order-7@2 has not arrived.`;
    const problem = { type: 'urn:waybill:problem:predecessor-missing', title: 'The one before it is missing', status: 409, detail };

    const failure = await failureTo(answering(409, problem));

    expect(failure?.message).to.match(
      /answered 409 The one before it is missing: Message a+ \(order-7@3\) came too early: order-7@2 has not arrived /,
    );
    expect(failure?.message).to.match(/ \(urn:waybill:problem:predecessor-missing\)\.$/);
  });

  it('that redirects is not followed', async () => {
    const other = await anEndpoint();

    const failure = await failureTo(redirecting(other.url));

    expect(failure?.message).to.contain('a redirect, which is not followed');
    expect(other.requests).to.have.lengthOf(0);
  });

  it('that redirects is followed where that is allowed', async () => {
    const other = await anEndpoint();

    expect(await failureTo(redirecting(other.url), { redirects: 1 })).to.equal(undefined);
    expect(other.requests.map(({ method, body }) => [method, body.length > 0])).to.deep.equal([['POST', true]]);
  });

  it('that asks for time gets it: in seconds, or until a date', async () => {
    const clock = new ManualClock();
    const until = new Date(clock.now().getTime() + 90_000);

    for (const [answer, ms] of [
      ...([
        [busy(7), 7_000],
        [busy(0, 503), 0],
        [busy(until, 503), 90_000],
        [busy(new Date(0)), 0],
      ] as const),
      ...([
        [answering(503, {}, { 'retry-after': 'soon' }), undefined],
        [answering(429, {}, { 'retry-after': '-5' }), undefined],
      ] as const),
      ...([[answering(500, {}), undefined]] as const),
    ]) {
      const failure = await failureTo(answer, { clock });
      expect(failure).to.include({ code: 'SINK_UNAVAILABLE', retryAfterMs: ms });
    }
  });

  it('is read by the classifier of the target first, which sees status, headers and body', async () => {
    const classify: HttpSinkOptions['classify'] = ({ status, headers, body }, { type }): Classification | undefined => {
      if (status === 402 && body.includes('declined')) return 'accepted';
      if (headers['x-quota'] === 'used') return { unavailable: 'the quota is used', retryAfterMs: 5_000 };
      if (status === 404) return { rejected: `no place for ${type}`, final: true };
      return status === 500 ? 'unknown' : undefined;
    };

    expect(await failureTo(answering(402, { state: 'declined' }), { classify })).to.equal(undefined);
    expect(await failureTo(answering(400, {}, { 'x-quota': 'used' }), { classify })).to.include({
      code: 'SINK_UNAVAILABLE',
      retryAfterMs: 5_000,
    });
    expect(await failureTo(answering(404), { classify })).to.include({ code: 'MESSAGE_REJECTED', final: true });
    expect(await failureTo(answering(500), { classify })).to.include({ code: 'OUTCOME_UNKNOWN' });
    expect(await failureTo(answering(402, {}), { classify })).to.include({ code: 'MESSAGE_REJECTED' });
  });

  it('of 500 leaves nobody knowing where the user has said that nothing may be done twice, and is an outage elsewhere', async () => {
    const query: HttpSinkOptions['query'] = () => Promise.resolve({ outcome: 'unknown' });
    const code = async (options: Partial<HttpSinkOptions>): Promise<string | undefined> => (await failureTo(answering(500), options))?.code;

    for (const careful of [
      { idempotent: false, query },
      { idempotent: false, policy: { onUnknownOutcome: 'halt' } },
      { idempotent: false, policy: { preset: 'payment' } },
      { idempotent: false, policy: new Policy({ name: 'provider', preset: 'payment' }) },
    ] as const)
      expect(await code(careful)).to.equal('OUTCOME_UNKNOWN');
    expect(await code({ idempotent: false })).to.equal('SINK_UNAVAILABLE');
    expect(await code({ idempotent: true, policy: { preset: 'payment' } })).to.equal('SINK_UNAVAILABLE');
  });

  it('whose pause the classifier computes from what is not there is left to the rules', async () => {
    const classify: HttpSinkOptions['classify'] = ({ headers }) => ({
      unavailable: 'the quota is used',
      retryAfterMs: Number(headers['x-reset']) * 1_000,
    });

    for (const [reset, ms] of [
      [undefined, 7_000],
      ['-3', 7_000],
      ['3', 3_000],
    ] as const) {
      const answer = answering(429, {}, { 'retry-after': '7', ...(reset !== undefined && { 'x-reset': reset }) });
      expect(await failureTo(answer, { classify })).to.include({ code: 'SINK_UNAVAILABLE', retryAfterMs: ms });
    }
  });

  it('is not understood by a function that answers later, and that function ends no process', async () => {
    const later = (async () => Promise.reject(new Error('too late'))) as unknown as () => undefined;

    for (const options of [{ classify: later }, { reply: later }]) {
      const failure = await failureTo(answering(200), options);
      expect(failure).to.include({ code: 'OUTCOME_UNKNOWN' });
      expect(failure?.message).to.contain('must not be async');
    }
  });

  it('that a classifier fails at is one that nobody understands', async () => {
    const broken = () => {
      throw new Error('cannot read it');
    };
    const nonsense = (() => 'perhaps') as unknown as NonNullable<HttpSinkOptions['classify']>;

    expect(await failureTo(answering(200), { classify: broken })).to.include({ code: 'OUTCOME_UNKNOWN' });
    expect(await failureTo(answering(200), { classify: nonsense })).to.include({ code: 'OUTCOME_UNKNOWN' });
  });

  it('is kept for the delivery history', async () => {
    const server = await anEndpoint(answering(201, { receipt: 'r-1' }));
    const sink = aSink({ url: server.url });

    expect(await deliver(sink, messagesOf('order-7', 1))).to.deep.equal({ accepted: 1, answer: '201 {"receipt":"r-1"}' });
    expect(await deliver(sink, messagesOf('order-7', 3))).to.deep.equal({ accepted: 3, answer: '201' });
  });

  it('that is too long is cut off, and counts as what its status says', async () => {
    const seen: [number, boolean][] = [];
    const classify: HttpSinkOptions['classify'] = ({ body, truncated }) => void seen.push([body.length, truncated]);

    expect(await failureTo(answering(200, 'x'.repeat(500_000)), { classify, maxAnswerBytes: 1_000 })).to.equal(undefined);
    expect(seen).to.deep.equal([[1_000, true]]);
  });
});
