import { expect } from 'chai';
import type { HttpSinkOptions } from '@waybill/http';
import type { Delivery } from '@waybill/core';
import { anOutboxMessage, messagesOf } from '@waybill/testing';
import { storm } from '../servers/answers.js';
import {
  babbling,
  endlessBody,
  endlessHeaders,
  promisingTooLittle,
  promisingTooMuch,
  resettingInAnswer,
} from '../servers/broken-answers.js';
import { AUTHORITY, FOR_LOCALHOST } from '../servers/certificates.js';
import { HostileServer } from '../servers/hostile-server.js';
import type { Answer } from '../servers/hostile-server.js';
import { HostileSocket } from '../servers/hostile-socket.js';
import type { Rudeness } from '../servers/hostile-socket.js';
import { silent, trickling } from '../servers/late-answers.js';
import { answering } from '../servers/answers.js';
import { aSink, anEndpoint, closeEverything, deliver, ONE_TRY } from './sinks.js';

describe('an HTTP sink whose target is', () => {
  closeEverything();

  const limits = { connectMs: 150, writeMs: 150, firstByteMs: 150, bodyMs: 150, callMs: 600, acquireMs: 300 };
  const toAny = (options: Partial<HttpSinkOptions>): Promise<Delivery> =>
    deliver(aSink({ idempotent: false, policy: { ...ONE_TRY, limits }, ...options }), messagesOf('order-7', 1));
  const to = async (answer: Answer, options: Partial<HttpSinkOptions> = {}): Promise<Delivery> =>
    toAny({ url: (await anEndpoint(answer)).url, ...options });

  const UNCLEAR: Readonly<Record<string, Answer>> = {
    silent,
    'one that does not speak HTTP': babbling,
    'one whose headers never end': endlessHeaders,
  };
  for (const [name, answer] of Object.entries(UNCLEAR))
    it(`${name} leaves an unknown outcome: it had the request`, async () => {
      expect((await to(answer)).failure).to.include({ code: 'OUTCOME_UNKNOWN' });
    });

  // The status is there, and says that the message is kept; of the rest nothing is needed.
  const BROKEN_BODIES: Readonly<Record<string, Answer>> = {
    'one whose answer never ends': endlessBody,
    'one whose answer drips': trickling(20),
    'one that promises more than it sends': promisingTooMuch,
    'one that promises less than it sends': promisingTooLittle,
    'one that resets in the middle of its answer': resettingInAnswer,
  };
  for (const [name, answer] of Object.entries(BROKEN_BODIES))
    it(`${name} is over in time`, async () => {
      const { accepted, failure } = await to(answer);

      expect(failure?.code ?? accepted).to.be.oneOf([1, 'OUTCOME_UNKNOWN']);
    });

  for (const rudeness of ['never-reads', 'resets'] as const satisfies readonly Rudeness[])
    it(`a socket that ${rudeness} is over in time, and nothing is called accepted`, async () => {
      const socket = await HostileSocket.start(rudeness);
      try {
        const { failure } = await toAny({ url: socket.url });
        expect(failure?.code).to.be.oneOf(['OUTCOME_UNKNOWN', 'SINK_UNAVAILABLE']);
      } finally {
        await socket.close();
      }
    });

  it('one that stops reading in the middle of a large request leaves an unknown outcome', async () => {
    const socket = await HostileSocket.start('stops-reading');
    try {
      const large = anOutboxMessage('order-7', 0n, { payload: JSON.stringify('x'.repeat(20_000_000)) });
      const sink = aSink({ url: socket.url, idempotent: false, policy: { ...ONE_TRY, limits } });
      expect((await deliver(sink, [large])).failure).to.include({ code: 'OUTCOME_UNKNOWN' });
    } finally {
      await socket.close();
    }
  });

  it('one in a storm of 503 takes everything afterwards, in order and once', async () => {
    const server = await anEndpoint(storm(12));
    const sink = aSink({ url: server.url });
    const batch = messagesOf('order-7', 5);

    let [left, tries] = [batch, 0];
    while (left.length > 0 && tries++ < 50) left = left.slice((await deliver(sink, left)).accepted);

    const taken = server.requests.slice(12).map(({ headers }) => headers['idempotency-key']);
    expect(taken).to.deep.equal(batch.map(({ id }) => id));
  });

  it('one with a certificate that nobody trusts gets nothing', async () => {
    const server = await HostileServer.start(answering(), { certificate: FOR_LOCALHOST });
    try {
      const { failure } = await toAny({ url: server.url });
      expect(failure).to.include({ code: 'SINK_UNAVAILABLE' });
      expect(server.requests).to.have.lengthOf(0);

      expect(await toAny({ url: server.url, policy: { ...ONE_TRY, ca: AUTHORITY } })).to.include({ accepted: 1 });
    } finally {
      await server.close();
    }
  });

  it('a private address gets nothing where users give the addresses, however it is written', async () => {
    const server = await anEndpoint();

    for (const host of ['127.0.0.1', 'localhost', '[::ffff:127.0.0.1]', '0.0.0.0', '2130706433']) {
      const { failure } = await toAny({ url: `http://${host}:${server.port}`, publicOnly: true });
      expect(failure, host).to.include({ code: 'SINK_UNAVAILABLE' });
    }
    expect(server.connections).to.equal(0);
  });
});
