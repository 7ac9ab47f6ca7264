import { expect } from 'chai';
import type { HttpSink, HttpSinkOptions, TargetQuery } from '@waybill/http';
import { messagesOf } from '@waybill/testing';
import { afterEach, beforeEach } from 'mocha';
import { PaymentServer } from '../servers/payment-server.js';
import { answering, first } from '../servers/answers.js';
import { resetting } from '../servers/broken-answers.js';
import { silent } from '../servers/late-answers.js';
import { arrivals, aSink, anEndpoint, closeEverything, deliver, ONE_TRY } from './sinks.js';

describe('an outcome that an HTTP sink does not know', () => {
  closeEverything();

  let payments: PaymentServer;
  beforeEach(async () => void (payments = await PaymentServer.start()));
  afterEach(() => payments.close());

  const askTheServer: TargetQuery = async (key) => {
    const answer = await fetch(`${payments.url}/${key}`);
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const { state } = (await answer.json()) as { readonly state: 'done' | 'not-done' | 'pending' };
    return state === 'pending' ? { outcome: 'unknown' } : { outcome: state };
  };
  const till = (options: Partial<HttpSinkOptions> = {}): HttpSink =>
    aSink({ url: payments.url, idempotent: false, policy: { ...ONE_TRY, retry: { most: 1, firstMs: 1, maxMs: 2 } }, ...options });
  const [message] = messagesOf('payment-7', 1);

  for (const then of ['hangs', 'resets', 504, 502] as const)
    it(`is left to a person where the target cannot be asked: it charges and ${then}`, async () => {
      payments.next({ charges: 'yes', then });

      const { failure } = await deliver(till(), [message!]);
      const again = await deliver(till(), [message!], { mayBeRepeat: true });

      expect([failure, again.failure].map((each) => each?.code === 'OUTCOME_UNKNOWN' && each.final)).to.deep.equal([true, true]);
      expect(payments.charges).to.deep.equal([message!.id]);
      expect(payments.orders).to.have.lengthOf(1);
    });

  for (const then of ['hangs', 'resets', 504, 502] as const)
    it(`is asked for where that is possible: it charges and ${then}`, async () => {
      payments.next({ charges: 'yes', then });

      expect(await deliver(till({ query: askTheServer }), [message!])).to.include({ accepted: 1 });

      expect(payments.charges).to.deep.equal([message!.id]);
    });

  it('is followed by another send once the target has told that nothing was done', async () => {
    payments.next({ charges: 'no', then: 'hangs' });

    expect(await deliver(till({ query: askTheServer }), [message!])).to.include({ accepted: 1 });

    expect([payments.charges, payments.orders.length]).to.deep.equal([[message!.id], 2]);
  });

  it('stays one until the target tells, however often the lane comes back', async () => {
    payments.next({ charges: 'yes', then: 'hangs' });
    payments.status = 'down';
    const sink = till({ query: askTheServer });

    const failures = [await deliver(sink, [message!])];
    for (let nth = 0; nth < 3; nth++) failures.push(await deliver(sink, [message!], { mayBeRepeat: true }));
    payments.status = 'up';

    for (const { failure } of failures) expect(failure).to.include({ code: 'OUTCOME_UNKNOWN', final: false });
    expect(await deliver(sink, [message!], { mayBeRepeat: true })).to.include({ accepted: 1 });
    expect(payments.orders).to.have.lengthOf(1);
  });

  it('stays one while nothing can be sent for another reason: an outage would be followed by another send', async () => {
    const sinks = [
      till({ query: askTheServer, credentials: () => Promise.reject(new Error('the token server is away')) }),
      till({ query: askTheServer, secrets: () => Promise.reject(new Error('the vault is sealed')) }),
      till({ query: askTheServer, headers: () => Promise.reject(new Error('no')) }),
    ];

    for (const sink of sinks) {
      expect((await deliver(sink, [message!], { mayBeRepeat: true })).failure).to.include({ code: 'OUTCOME_UNKNOWN', final: false });
      expect((await deliver(sink, [message!])).failure).to.include({ code: 'SINK_UNAVAILABLE' });
    }
    expect(payments.orders).to.have.lengthOf(0);
  });

  it('stays one while the target is suspended, or the delivery is given up', async () => {
    const sink = till({ query: askTheServer });
    const givenUp = await deliver(sink, messagesOf('payment-9', 3), { mayBeRepeat: true, signal: AbortSignal.abort() });
    sink.suspend(new URL(payments.url).host, 'closed');
    const suspended = await deliver(sink, [message!], { mayBeRepeat: true });

    for (const { failure } of [givenUp, suspended]) expect(failure).to.include({ code: 'OUTCOME_UNKNOWN', final: false });
    expect((await deliver(sink, [message!])).failure?.code).to.equal('SINK_UNAVAILABLE');
    expect(payments.orders).to.have.lengthOf(0);
  });

  it('is no longer one after a person has said to send', async () => {
    payments.next({ charges: 'no', then: 'hangs' });
    const sink = till();
    await deliver(sink, [message!]);

    expect(await deliver(sink, [message!], { mayBeRepeat: false })).to.include({ accepted: 1 });

    expect(payments.orders).to.have.lengthOf(2);
  });

  it('is sent again at once to a target that is idempotent', async () => {
    for (const answer of [silent, resetting, answering(504)]) {
      const server = await anEndpoint(first(1, answer));
      const sink = aSink({ url: server.url, policy: { ...ONE_TRY, retry: { most: 1, firstMs: 1, maxMs: 2 } } });

      expect(await deliver(sink, [message!])).to.include({ accepted: 1 });

      expect(arrivals(server, message!)).to.equal(2);
    }
  });

  it('of one message is none of those that were never sent', async () => {
    payments.next({ charges: 'yes', then: 'answers' }, { charges: 'yes', then: 'hangs' });
    const sink = till();
    const batch = messagesOf('payment-8', 4);

    const { accepted } = await deliver(sink, batch);
    payments.next();
    const known = await deliver(sink, batch.slice(2), { mayBeRepeat: true });
    const unknown = await deliver(sink, batch.slice(1), { mayBeRepeat: true, epoch: 2n });

    expect(accepted).to.equal(1);
    expect(known).to.include({ accepted: 2 });
    expect(unknown.failure).to.include({ code: 'OUTCOME_UNKNOWN', final: true });
  });

  it('with what the query tells becomes a reply, like an answer', async () => {
    payments.next({ charges: 'yes', then: 'hangs' });
    const query: TargetQuery = async () => ({ outcome: 'done', answer: { status: 201, body: '{"receipt":"r-1"}' } });
    const sink = till({ query, reply: ({ body }) => ({ orderingKey: 'p', message: { type: 'Paid', data: JSON.parse(body) as object } }) });

    const { replies } = await deliver(sink, [message!]);

    expect(replies).to.deep.equal([{ to: 0, orderingKey: 'p', message: { type: 'Paid', data: { receipt: 'r-1' } } }]);
  });

  it('is not over where the query says done, and nothing of the answer that has to become a message', async () => {
    payments.next({ charges: 'yes', then: 'hangs' });
    const sink = till({
      query: async () => ({ outcome: 'done' }),
      reply: () => ({ orderingKey: 'p', message: { type: 'Paid', data: {} } }),
    });

    const { accepted, failure, replies } = await deliver(sink, [message!]);

    expect({ accepted, replies }).to.deep.equal({ accepted: 0, replies: undefined });
    expect(failure).to.include({ code: 'OUTCOME_UNKNOWN', final: false });
    expect(failure!.message).to.include("let it tell ({ outcome: 'done', answer })");
  });
});
