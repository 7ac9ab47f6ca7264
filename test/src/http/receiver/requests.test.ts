import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import { HttpReceiver } from '@waybill/http';
import type { HttpReceiverOptions, HttpReply, ReceivedRequest } from '@waybill/http';
import { ManualClock } from '../../shop/manual-clock.js';
import { NotingIntake } from './noting-intake.js';
import { anEvent, batch, binary, problemOf, received, slugOf, structured } from './sender.js';
import type { Sent } from './sender.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

describe('a request to a receiver', () => {
  let intake: NotingIntake;
  const clock = new ManualClock();

  beforeEach(() => (intake = new NotingIntake()));

  const handle = (sent: Sent, overrides: Partial<ReceivedRequest> = {}, options: Partial<HttpReceiverOptions> = {}): Promise<HttpReply> => {
    const receiver = new HttpReceiver({ intake, unsigned: true, modes: ['structured', 'binary', 'batch'], clock, ...options });
    return receiver.handle(received(sent, overrides));
  };
  const json = (value: unknown): Sent => ({
    headers: { 'content-type': 'application/cloudevents+json' },
    body: typeof value === 'string' ? value : JSON.stringify(value),
  });
  const plain = (overrides: Readonly<Record<string, unknown>> = {}): Record<string, unknown> => ({
    ...anEvent().toJSON(),
    ...overrides,
  });

  describe('with a message', () => {
    for (const [mode, send] of [
      ['structured', structured],
      ['binary', binary],
    ] as const) {
      it(`in ${mode} mode is taken as it was sent`, async () => {
        const event = anEvent({
          partitionkey: 'order-8',
          sequence: '42',
          correlationid: 'c-7',
          causationid: 'c-6',
          traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
          waybillprevious: '41',
          waybillepoch: '9',
          waybillroute: 'partners',
          waybillkind: 'command',
          waybillschema: '3',
          waybillcodec: 'superjson',
          tenant: 't-1',
        });

        const reply = await handle(send(event));

        expect(reply).to.deep.include({ status: 200, body: '{"outcome":"handled"}' });
        expect(reply.headers).to.deep.equal({ 'content-type': 'application/json' });
        expect(intake.taken).to.deep.equal([
          {
            id: event.id,
            source: 'https://shop.example.com',
            type: 'OrderPlaced',
            kind: 'command',
            stream: 'order-8',
            revision: 42n,
            occurredAt: new Date('2025-01-01T00:00:00.000Z'),
            schemaVersion: 3,
            codec: 'superjson',
            json: { customerId: 'c-1' },
            route: 'partners',
            previous: 41n,
            epoch: 9n,
            metadata: {
              tenant: 't-1',
              correlationId: 'c-7',
              causationId: 'c-6',
              traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
            },
          },
        ]);
      });
    }

    it('of somebody who knows nothing of Waybill begins a stream and a conversation of its own', async () => {
      await handle(json({ specversion: '1.0', id: 'A-1', source: '/sensors/7', type: 'Measured', sequence: 'aab', data: 21.5 }));

      expect(intake.taken).to.deep.equal([
        {
          id: 'A-1',
          source: '/sensors/7',
          type: 'Measured',
          kind: 'event',
          stream: '/sensors/7',
          revision: 0n,
          occurredAt: clock.now(),
          schemaVersion: 1,
          codec: 'json',
          json: 21.5,
          metadata: { correlationId: 'A-1' },
        },
      ]);
    });

    it('whose stream is its subject where no partition key says otherwise', async () => {
      await handle(structured(anEvent({ subject: 'order-9', waybillprevious: 'none' })));

      expect(intake.taken[0]).to.include({ stream: 'order-9', previous: 'none' });
    });

    for (const data of [0, false, '', null, [], 'text', { nested: [1, { two: 2 }] }]) {
      it(`keeps the payload ${JSON.stringify(data)} in each mode`, async () => {
        const event = plain({ data });
        const headers = { 'content-type': 'application/json', 'ce-specversion': '1.0', 'ce-id': 'b-1', 'ce-source': 's', 'ce-type': 'T' };

        await handle(json(event));
        await handle({ headers, body: JSON.stringify(data) });
        await handle(batch([plain({ data })]));

        expect(intake.taken.map((message) => message.json)).to.deep.equal([data, data, data]);
      });
    }

    it('reads headers that are percent-encoded, quoted, or neither', async () => {
      const sent = binary(anEvent());
      const headers = { ...sent.headers, 'ce-subject': 'order%20%C3%A4%25', 'ce-tenant': '"a \\"b\\""', 'ce-share': '50% off' };

      await handle({ ...sent, headers });

      expect(intake.taken[0]).to.have.property('stream', 'order ä%');
      expect(intake.taken[0]!.metadata).to.include({ tenant: 'a "b"', share: '50% off' });
    });

    for (const contentType of ['application/cloudevents+json; charset=utf-8', 'Application/CloudEvents+JSON;charset="UTF-8"']) {
      it(`is known by the content type ${contentType}`, async () => {
        const { status } = await handle({ ...structured(), headers: { 'content-type': contentType } });

        expect(status).to.equal(200);
      });
    }

    it('that was taken before is a duplicate, and is answered with success', async () => {
      const sent = structured();

      const replies = [await handle(sent), await handle(sent)];

      expect(replies.map(({ status, body }) => [status, body])).to.deep.equal([
        [200, '{"outcome":"handled"}'],
        [200, '{"outcome":"duplicate"}'],
      ]);
    });

    it('that is stored, to be handled later, is accepted', async () => {
      intake.outcome = 'accepted';

      expect(await handle(structured())).to.include({ status: 202, body: '{"outcome":"accepted"}' });
    });
  });

  describe('that is no message is malformed:', () => {
    const without = (name: string): Record<string, unknown> => {
      const { [name]: _left, ...rest } = plain();
      return rest;
    };
    const cases: Readonly<Record<string, Sent>> = {
      'empty body': json(''),
      'no JSON': json('{"id":'),
      'a byte order mark': json(`\ufeff${JSON.stringify(plain())}`),
      'a number': json('5'),
      null: json('null'),
      'an array where one message is announced': json([plain()]),
      'an object where a batch is announced': { ...json(plain()), headers: { 'content-type': 'application/cloudevents-batch+json' } },
      'no id': json(without('id')),
      'an empty id': json(plain({ id: '' })),
      'no source': json(without('source')),
      'no type': json(without('type')),
      'no specversion': json(without('specversion')),
      'another specversion': json(plain({ specversion: '0.3' })),
      'an id that is a number': json(plain({ id: 7 })),
      'an id without end': json(plain({ id: 'x'.repeat(501) })),
      'an empty time': json(plain({ time: '' })),
      'a time that is none': json(plain({ time: 'yesterday' })),
      'a time in the year 0': json(plain({ time: '0000-01-01T00:00:00Z' })),
      'an attribute in capitals': json(plain({ Tenant: 't-1' })),
      'an attribute that is an object': json(plain({ tenant: { id: 't-1' } })),
      'an attribute with a control character': json(plain({ subject: 'order-\u0000' })),
      'half a surrogate pair': json(JSON.stringify(plain()).replace('order-7', 'order-\\ud800')),
      'a key that is given twice': json(JSON.stringify(plain()).replace('{', '{"id":"other",')),
      'a key that is given twice in the data': json(JSON.stringify(plain()).replace('"customerId"', '"customer\\u0049d":1,"customerId"')),
      'a prototype key': json(JSON.stringify(plain()).replace('{"customerId"', '{"__proto__":{"admin":true},"customerId"')),
      'a prototype key as attribute': json(JSON.stringify(plain()).replace('{', '{"__proto__":{"id":"7"},')),
      'data without end of nesting': json(
        JSON.stringify(plain({ data: 1 })).replace('"data":1', `"data":${'['.repeat(2_000)}${']'.repeat(2_000)}`),
      ),
      'a revision out of range': json(plain({ sequence: '9223372036854775808' })),
      'a revision that is a number which JavaScript cannot hold': json(
        JSON.stringify(plain({ sequence: 1 })).replace('"sequence":1', '"sequence":9007199254740993'),
      ),
      'a revision below zero': json(plain({ sequence: '-1' })),
      'a previous revision that is none': json(plain({ waybillprevious: 'nothing' })),
      'an epoch that is no number': json(plain({ waybillepoch: '1e3' })),
      'a schema version of zero': json(plain({ waybillschema: '0' })),
      'a kind that does not exist': json(plain({ waybillkind: 'query' })),
      'headers without an id': { headers: { 'content-type': 'application/json', 'ce-specversion': '1.0' }, body: '{}' },
    };
    for (const [what, sent] of Object.entries(cases)) {
      it(what, async () => {
        const reply = await handle(sent);

        expect(slugOf(reply), reply.body).to.equal('malformed');
        expect(reply.status).to.equal(400);
        expect(intake.taken).to.deep.equal([]);
      });
    }

    it('bytes that are no UTF-8', async () => {
      const reply = await handle(structured(), { body: Buffer.from([0x7b, 0xff, 0x7d]) });

      expect(slugOf(reply)).to.equal('malformed');
    });

    it('fewer bytes than were announced', async () => {
      const sent = structured();

      const reply = await handle({ ...sent, headers: { ...sent.headers, 'content-length': String(sent.body.length + 1) } });

      expect(slugOf(reply)).to.equal('malformed');
    });
  });

  describe('in a form that is not taken', () => {
    const forms: Readonly<Record<string, Sent>> = {
      'without content type': { headers: {}, body: structured().body },
      'as JSON without ce- headers': { headers: { 'content-type': 'application/json' }, body: structured().body },
      'as XML': { headers: { 'content-type': 'application/cloudevents+xml' }, body: '<event/>' },
      'with a content type that only begins alike': { ...structured(), headers: { 'content-type': 'application/cloudevents+jsonx' } },
      'in another character set': { ...structured(), headers: { 'content-type': 'application/cloudevents+json; charset=iso-8859-1' } },
      compressed: { ...structured(), headers: { 'content-type': 'application/cloudevents+json', 'content-encoding': 'gzip' } },
      'with data that is no JSON': structured(anEvent({ datacontenttype: 'text/plain', data: 'text' })),
      'with binary data': structured(anEvent({ data: new Uint8Array([1, 2]) })),
      'with a payload in headers mode that is no JSON': binary(anEvent({ datacontenttype: 'text/plain', data: 'text' })),
    };
    for (const [what, sent] of Object.entries(forms)) {
      it(`is told so: ${what}`, async () => {
        const reply = await handle(sent);

        expect(slugOf(reply), reply.body).to.equal('unsupported-media-type');
        expect(reply.status).to.equal(415);
        expect(intake.taken).to.deep.equal([]);
      });
    }

    it('is told that bodies are not unpacked', async () => {
      const { headers } = await handle({ ...structured(), headers: { 'content-encoding': 'br' } });

      expect(headers).to.have.property('accept-encoding', 'identity');
    });

    it('is told so where the mode is not one of those that are taken', async () => {
      const reply = await handle(binary(), {}, { modes: ['structured', 'batch'] });

      expect(slugOf(reply)).to.equal('unsupported-media-type');
    });
  });

  for (const [trap, text] of [
    ['twice in one object', '{"a":1,"b":{"c":1},"\\u0061":2}'],
    ['twice in one object', '[{"a":"\\\\\\"","a" : 2}]'],
    ['"__proto__"', '{"a":[{"\\u005f_proto__":1}]}'],
    ['too large', '{"cents":[1,2.5e3,-1e400]}'],
    ['too large', '9'.repeat(400)],
    ['nested deeper', `${'['.repeat(501)}${']'.repeat(501)}`],
  ] as const) {
    it(`is told which trap its data is: ${trap}, in ${text.slice(0, 30)}`, async () => {
      const reply = await handle(json(JSON.stringify(plain({ data: 0 })).replace('"data":0', `"data":${text}`)));

      expect(problemOf(reply).detail).to.contain(trap);
    });
  }

  it('may say the same in different objects, and in its texts what would be a key elsewhere', async () => {
    const data: readonly unknown[] = [
      { a: 1 },
      { a: 2, b: { a: '"a":"\\' } },
      '__proto__',
      ['a', 'a'],
      { b: '{"c":1,"c":2}', constructor: 1 },
      ['1e400', 1.5e300, -0.25, 0],
    ];

    await handle(json(plain({ data })));

    expect(intake.taken[0]!.json).to.deep.equal(data);
  });

  for (const method of ['GET', 'PUT', 'DELETE', 'OPTIONS', 'HEAD']) {
    it(`by ${method} is answered with 405`, async () => {
      const reply = await handle({ headers: {}, body: '' }, { method });

      expect(reply).to.deep.include({ status: 405 });
      expect(reply.headers).to.have.property('allow', 'POST');
      if (method === 'HEAD') expect(reply.body).to.equal('');
      else expect(slugOf(reply)).to.equal('method');
    });
  }

  it('of a source that is not on the list is refused', async () => {
    const sources = ['https://shop.example.com'];

    const known = await handle(structured(), {}, { sources });
    const unknown = await handle(structured(anEvent({ source: 'https://shop.example.com.evil.example' })), {}, { sources });

    expect(known.status).to.equal(200);
    expect([unknown.status, slugOf(unknown)]).to.deep.equal([403, 'unknown-source']);
  });

  it('whose body does not come is not waited for any longer than the answer', async () => {
    const silent = (async function* () {
      yield Buffer.from('{"id":');
      await new Promise(() => {});
    })();

    const answer = handle(structured(), { body: silent });
    await clock.pass(10_000);

    expect((await answer).headers).to.include({ connection: 'close' });
    expect(slugOf(await answer)).to.equal('too-slow');
  });

  it('is kept in no more room than its bytes take', async () => {
    const event = structured();
    let first: WeakRef<ArrayBufferLike> | undefined;
    let left: boolean | undefined;
    const packets = (async function* () {
      for (const byte of Buffer.from(event.body)) {
        const packet = Buffer.alloc(65_536, byte);
        first ??= new WeakRef(packet.buffer);
        yield packet.subarray(0, 1);
      }
      await new Promise(setImmediate); // a WeakRef lets nothing go in the turn in which it was made
      collectGarbage();
      left = first?.deref() !== undefined;
    })();

    const reply = await handle(event, { body: packets });

    expect([reply.status, left]).to.deep.equal([200, false]);
  });

  it('that is too large is told the limit', async () => {
    const sent = structured(anEvent({ data: 'x'.repeat(1_000) }));

    const reply = await handle(sent, {}, { maxBodyBytes: 1_000 });

    expect([reply.status, slugOf(reply)]).to.deep.equal([413, 'oversized']);
    expect(problemOf(reply).detail).to.contain('1000 bytes');
  });
});
