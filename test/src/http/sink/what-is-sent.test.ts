import { expect } from 'chai';
import { HTTP } from 'cloudevents';
import type { CloudEventV1 } from 'cloudevents';
import type { OutboxMessage } from '@waybill/core';
import type { RequestMapper } from '@waybill/http';
import { anOutboxMessage, messagesOf } from '@waybill/testing';
import type { SeenRequest } from '../servers/hostile-server.js';
import { aSink, anEndpoint, closeEverything, deliver, eventIn } from './sinks.js';

/** What the SDK, which has no part in how it was written in `structured` and `batch`, makes of a request. */
const parsed = ({ headers, body }: SeenRequest): readonly CloudEventV1<unknown>[] =>
  [HTTP.toEvent<unknown>({ headers, body: body.toString() })].flat();

const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

const aFullMessage = (): OutboxMessage =>
  anOutboxMessage('order-7', 3n, {
    type: 'OrderPlaced',
    schemaVersion: 2,
    metadata: { correlationId: 'c-1', causationId: 'm-0', traceparent: TRACEPARENT, tenant: 'acme', secret: 'not for others' },
    payload: '{"total":4200}',
  });

describe('what an HTTP sink sends', () => {
  closeEverything();

  const attributes = ({ id }: OutboxMessage): object => ({
    ...{ id, specversion: '1.0', source: '/shop', type: 'OrderPlaced', subject: 'order-7', partitionkey: 'order-7', sequence: '3' },
    ...{ time: '2024-02-29T12:00:00.000Z', datacontenttype: 'application/json', correlationid: 'c-1', causationid: 'm-0' },
    ...{ traceparent: TRACEPARENT, waybillprevious: '1', waybillepoch: '5', waybillroute: 'hooks', waybillkind: 'event' },
    ...{ waybillschema: '2', waybillcodec: 'json', tenant: 'acme', data: { total: 4200 } },
  });

  for (const mode of ['structured', 'binary', 'batch'] as const) {
    it(`in ${mode} mode is a CloudEvent with all its attributes, and no metadata that nobody named`, async () => {
      const server = await anEndpoint();
      const message = aFullMessage();

      await deliver(aSink({ url: server.url, mode, metadata: ['tenant'] }), [message], { route: 'hooks', epoch: 5n, previous: () => 1n });

      const [event] = parsed(server.requests[0]!);
      expect(JSON.parse(JSON.stringify(event))).to.deep.equal(attributes(message));
    });

    it(`in ${mode} mode holds every kind of payload`, async () => {
      const server = await anEndpoint();
      const payloads = ['{"a":[1,2,{"b":null}]}', '[1,2]', '"text"', '{"__proto__":{"admin":true}}', '{"emoji":"🚚","line":"\\u2028"}'];
      const batch = payloads.map((payload, nth) => anOutboxMessage('order-7', BigInt(nth), { payload }));

      await deliver(aSink({ url: server.url, mode }), batch);

      const sent = server.requests.flatMap(parsed).map(({ data }) => JSON.stringify(data));
      expect(sent).to.deep.equal(payloads.map((payload) => JSON.stringify(JSON.parse(payload))));
      expect({}).not.to.have.property('admin');
    });

    it(`in ${mode} mode passes the payload on as it was stored, also what JavaScript cannot hold`, async () => {
      const server = await anEndpoint();
      const payload = '{ "big": 12345678901234567890, "one": 1.0, "nothing": null }';

      await deliver(aSink({ url: server.url, mode }), [anOutboxMessage('order-7', 0n, { payload })]);

      expect(server.requests[0]!.body.toString()).to.contain(payload);
    });

    it(`in ${mode} mode carries names that are not ASCII`, async () => {
      const server = await anEndpoint();
      const message = anOutboxMessage('bestellung-ü "1" 100% 🚚', 0n, { type: '注文', metadata: { correlationId: 'ligne\r\nx: y' } });

      const { accepted } = await deliver(aSink({ url: server.url, mode }), [message]);

      const [event] = parsed(server.requests[0]!);
      const read = (value: unknown): string => (mode === 'binary' ? decodeURIComponent(String(value)) : String(value));
      expect(accepted).to.equal(1);
      expect([event!.subject, event!['partitionkey'], event!.type, event!['correlationid']].map(read)).to.deep.equal([
        ...[message.stream, message.stream, message.type, 'ligne\r\nx: y'],
      ]);
    });
  }

  it('says that nothing came before', async () => {
    const server = await anEndpoint();

    await deliver(aSink({ url: server.url }), [anOutboxMessage('order-7', 3n)], { previous: () => undefined });

    expect(eventIn(server.requests[0]!)).to.include({ waybillprevious: 'none' });
  });

  it('has the id of the message as its idempotency key, and its trace as a header', async () => {
    const server = await anEndpoint();
    const message = aFullMessage();

    await deliver(aSink({ url: server.url }), [message]);

    expect(server.requests[0]!.headers).to.include({ 'idempotency-key': message.id, traceparent: TRACEPARENT });
  });

  it('has no header for a trace that is none', async () => {
    const server = await anEndpoint();
    const message = anOutboxMessage('order-7', 0n, { metadata: { correlationId: 'c', traceparent: 'no\r\ntrace' } });

    await deliver(aSink({ url: server.url }), [message]);

    expect(server.requests[0]!.headers).not.to.have.property('traceparent');
  });

  it('has the same key for the same batch, and another for another', async () => {
    const server = await anEndpoint();
    const sink = aSink({ url: server.url, mode: 'batch' });
    const batch = messagesOf('order-7', 3);

    for (const part of [batch, batch, batch.slice(0, 2)]) await deliver(sink, part);

    const [one, again, other] = server.requests.map(({ headers }) => headers['idempotency-key']);
    expect(one).to.match(/^[\da-f]{8}-[\da-f]{4}-5/);
    expect(again).to.equal(one);
    expect(other).not.to.equal(one);
  });

  it('in batch mode is as many requests as the limits ask for', async () => {
    const server = await anEndpoint();
    const sizes = (): readonly number[] => server.requests.map((request) => parsed(request).length);

    const { accepted } = await deliver(aSink({ url: server.url, mode: 'batch', batch: { messages: 4 } }), messagesOf('order-7', 10));
    expect([accepted, sizes()]).to.deep.equal([10, [4, 4, 2]]);

    server.requests.length = 0;
    const large = Array.from({ length: 3 }, (_, nth) =>
      anOutboxMessage('order-8', BigInt(nth), { payload: JSON.stringify('x'.repeat(nth === 1 ? 9_000 : 10)) }),
    );
    await deliver(aSink({ url: server.url, mode: 'batch', batch: { bytes: 5_000 } }), large);
    expect(sizes()).to.deep.equal([1, 1, 1]);
  });

  it('is what a mapper makes, signed and keyed like everything else', async () => {
    const server = await anEndpoint();
    const sink = aSink({
      url: `${server.url}/v1/`,
      headers: { 'x-client': 'shop', 'x-version': '1' },
      request: ({ data }, { epoch, key, target }) => ({
        method: 'PUT',
        path: `orders/${key}?dry=1`,
        headers: { 'x-version': String(epoch) },
        body: { data, target },
      }),
    });
    const message = anOutboxMessage('order-7', 0n, { payload: '{"n":1}' });

    await deliver(sink, [message], { epoch: 9n });

    const { method, path, headers, body } = server.requests[0]!;
    expect([method, path, body.toString()]).to.deep.equal([
      ...['PUT', `/v1/orders/${message.id}?dry=1`, `{"data":{"n":1},"target":"127.0.0.1:${server.port}"}`],
    ]);
    expect(headers).to.include({ 'x-client': 'shop', 'x-version': '9', 'content-type': 'application/json', 'idempotency-key': message.id });
    expect(sink.tellsPrevious).to.equal(false);
  });

  it('is of the content type that the mapper, or else the target, says', async () => {
    const server = await anEndpoint();
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const form = () => ({ body: new URLSearchParams({ cents: '5' }).toString() });

    await deliver(aSink({ url: server.url, headers, request: form }), messagesOf('order-7', 1));
    await deliver(
      aSink({ url: server.url, headers, request: () => ({ headers: { 'content-type': 'text/plain' } }) }),
      messagesOf('order-7', 1),
    );

    expect(server.requests.map((request) => [request.headers['content-type'], request.body.toString()])).to.deep.equal([
      [headers['content-type'], 'cents=5'],
      ['text/plain', ''],
    ]);
  });

  it('is nothing where JSON would make nothing of the body, or the mapper answers later', async () => {
    const server = await anEndpoint();
    const [message] = messagesOf('order-7', 1);

    for (const request of [
      () => ({ body: new URLSearchParams({ cents: '5' }) }),
      () => ({ body: Buffer.from('cents') }),
      () => ({ body: new Map([['cents', 5]]) }),
      (async () => ({ body: { cents: 5 } })) as unknown as RequestMapper,
      (async () => Promise.reject(new Error('no such customer'))) as unknown as RequestMapper,
    ]) {
      const { failure } = await deliver(aSink({ url: server.url, request }), [message!]);
      expect(failure).to.include({ code: 'MESSAGE_REJECTED', final: true });
      expect(failure!.message).to.match(/cannot be sent as JSON|must not be async/);
    }
    expect(server.requests).to.have.lengthOf(0);
  });

  it('is nothing where a mapper fails, or leads away: that is the trouble of the message', async () => {
    const server = await anEndpoint();
    const [message] = messagesOf('order-7', 1);

    for (const request of [
      () => ({ path: 'https://elsewhere.example/' }),
      () => ({ path: '//elsewhere.example/' }),
      () => ({ headers: { 'webhook-id': 'mine' } }),
      () => {
        throw new Error('no such customer');
      },
    ]) {
      const { accepted, failure } = await deliver(aSink({ url: server.url, request }), [message!]);
      expect(accepted).to.equal(0);
      expect(failure).to.include({ code: 'MESSAGE_REJECTED', messageId: message!.id, final: true });
    }
    expect(server.requests).to.have.lengthOf(0);
  });
});
