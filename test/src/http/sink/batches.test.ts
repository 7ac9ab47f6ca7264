import { expect } from 'chai';
import type { HttpSink } from '@waybill/http';
import { messagesOf } from '@waybill/testing';
import { answering, first } from '../servers/answers.js';
import { resetting } from '../servers/broken-answers.js';
import type { Answer, HostileServer, SeenRequest } from '../servers/hostile-server.js';
import { aSink, anEndpoint, closeEverything, deliver, ONE_TRY } from './sinks.js';

const idsIn = ({ body }: SeenRequest): readonly string[] => (JSON.parse(body.toString()) as readonly { id: string }[]).map(({ id }) => id);

describe('a batch in one request', () => {
  closeEverything();

  const to = async (answer: Answer): Promise<{ readonly server: HostileServer; readonly sink: HttpSink }> => {
    const server = await anEndpoint(answer);
    const policy = { ...ONE_TRY, retry: { most: 1, firstMs: 1, maxMs: 2 } };
    return { server, sink: aSink({ url: server.url, mode: 'batch', policy }) };
  };
  const problem = (status: number, accepted: unknown): Answer =>
    answering(status, { title: 'x', status, accepted }, { 'content-type': 'application/problem+json' });
  const batch = messagesOf('order-7', 5);

  for (const [status, code] of [
    [422, 'MESSAGE_REJECTED'],
    [409, 'MESSAGE_REJECTED'],
    [503, 'SINK_UNAVAILABLE'],
    [500, 'SINK_UNAVAILABLE'],
    [504, 'OUTCOME_UNKNOWN'],
  ] as const)
    it(`is accepted as far as the answer says, whose status is ${status}`, async () => {
      const { sink } = await to(problem(status, 3));

      const { accepted, failure } = await deliver(sink, batch);

      expect([accepted, failure?.code]).to.deep.equal([3, code]);
      if (failure?.code === 'MESSAGE_REJECTED') expect(failure.messageId).to.equal(batch[3]!.id);
    });

  it('that is refused, and all of it accepted, is accepted, and nothing behind it is blamed', async () => {
    const server = await anEndpoint(first(1, problem(422, 2)));
    const sink = aSink({ url: server.url, mode: 'batch', batch: { messages: 2 } });

    expect(await deliver(sink, batch)).to.include({ accepted: 5 });

    expect(server.requests.map((request) => idsIn(request).length)).to.deep.equal([2, 2, 1]);
  });

  it('that failed is accepted nowhere, where the answer does not say how far', async () => {
    for (const accepted of [undefined, -1, 6, 2.5, '3', null]) {
      const { sink } = await to(problem(503, accepted));

      expect((await deliver(sink, batch)).accepted).to.equal(0);
    }
  });

  it('that is refused as a whole is sent again one by one, so that the right message is named', async () => {
    const { server, sink } = await to((request, response, nth) =>
      answering(idsIn(request).includes(batch[2]!.id) ? 400 : 200)(request, response, nth),
    );

    const { accepted, failure } = await deliver(sink, batch);

    expect(accepted).to.equal(2);
    expect(failure).to.include({ code: 'MESSAGE_REJECTED', messageId: batch[2]!.id });
    expect(server.requests.map((request) => idsIn(request).length)).to.deep.equal([5, 1, 1, 1]);
  });

  it('that is too large for the target goes in smaller parts', async () => {
    const { sink } = await to((request, response, nth) => answering(idsIn(request).length > 1 ? 413 : 200)(request, response, nth));

    expect(await deliver(sink, batch)).to.include({ accepted: 5 });
  });

  it('whose outcome is unknown is sent again whole, under the same key', async () => {
    const { server, sink } = await to(first(1, resetting));

    expect(await deliver(sink, batch)).to.include({ accepted: 5 });

    expect(server.requests.map(idsIn)).to.deep.equal([batch, batch].map((messages) => messages.map(({ id }) => id)));
    expect(new Set(server.requests.map(({ headers }) => headers['idempotency-key'])).size).to.equal(1);
  });

  it('that was answered well, but is said to be taken in part, is delivered in part', async () => {
    const { sink } = await to(answering(200, { outcome: 'handled', accepted: 4 }));

    const { accepted, failure } = await deliver(sink, batch);

    expect([accepted, failure?.code]).to.deep.equal([4, 'SINK_UNAVAILABLE']);
  });
});
