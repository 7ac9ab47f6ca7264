import { expect } from 'chai';
import { Webhook } from 'standardwebhooks';
import { messagesOf, anOutboxMessage } from '@waybill/testing';
import type { SeenRequest } from '../servers/hostile-server.js';
import { aSink, anEndpoint, closeEverything, deliver, OTHER_SECRET, SECRET } from './sinks.js';

const verified = (secret: string, { headers, body }: SeenRequest, text = body.toString()): boolean => {
  try {
    new Webhook(secret).verify(text, headers as Record<string, string>, { jsonParse: false });
    return true;
  } catch {
    return false;
  }
};

describe('the signature of an HTTP sink', () => {
  closeEverything();

  for (const mode of ['structured', 'binary', 'batch'] as const)
    it(`in ${mode} mode is one that Standard Webhooks verifies, of exactly this body`, async () => {
      const server = await anEndpoint();
      const message = anOutboxMessage('bestellung-ü', 0n, { payload: '{"ort":"Köln 🚚"}' });

      await deliver(aSink({ url: server.url, mode, secrets: SECRET }), [message]);

      const [request] = server.requests;
      expect(verified(SECRET, request!)).to.equal(true);
      expect(verified(SECRET, request!, request!.body.toString().replace('Köln', 'Bonn'))).to.equal(false);
      expect(verified(OTHER_SECRET, request!)).to.equal(false);
      expect(request!.headers['webhook-id']).to.equal(request!.headers['idempotency-key']);
    });

  it('is there for each of several secrets, so that receivers can change theirs in their own time', async () => {
    const server = await anEndpoint();

    await deliver(aSink({ url: server.url, secrets: [SECRET, OTHER_SECRET] }), messagesOf('order-7', 1));

    expect([SECRET, OTHER_SECRET].map((secret) => verified(secret, server.requests[0]!))).to.deep.equal([true, true]);
  });

  it('changes while the sink runs, where a function gives the secrets', async () => {
    const server = await anEndpoint();
    let secrets: string | readonly string[] = SECRET;
    const sink = aSink({ url: server.url, secrets: async () => secrets });
    const batch = messagesOf('order-7', 2);

    await deliver(sink, batch.slice(0, 1));
    secrets = [OTHER_SECRET];
    await deliver(sink, batch.slice(1));

    expect(server.requests.map((request) => [verified(SECRET, request), verified(OTHER_SECRET, request)])).to.deep.equal([
      ...[
        [true, false],
        [false, true],
      ],
    ]);
  });

  it('that cannot be made stops the sink, and blames no message', async () => {
    const server = await anEndpoint();

    for (const secrets of [() => 'no base64!', () => [], () => Promise.reject(new Error('the vault is sealed'))]) {
      const { accepted, failure } = await deliver(aSink({ url: server.url, secrets }), messagesOf('order-7', 1));
      expect([accepted, failure?.code]).to.deep.equal([0, 'SINK_UNAVAILABLE']);
      expect(failure?.message).not.to.contain('no base64!');
    }
    expect(server.requests).to.have.lengthOf(0);
  });

  it('is made with what a mapper makes, too', async () => {
    const server = await anEndpoint();

    await deliver(aSink({ url: server.url, secrets: SECRET, request: () => ({ body: 'plain text' }) }), messagesOf('order-7', 1));

    expect(verified(SECRET, server.requests[0]!)).to.equal(true);
  });
});
