import { InvalidPayloadError } from '@waybill/core';
import { anOutboxMessage, messagesOf } from '@waybill/testing';
import { binaryEvent, jsonEvent } from '@eventstore/db-client';
import { expect } from 'chai';
import type { RecordedMessage } from '@waybill/core';
import { emulated } from './emulated.js';
import type { Emulated } from './emulated.js';

describe('EventStoreDB events', () => {
  let server: Emulated;
  beforeEach(async () => (server = await emulated()));
  afterEach(() => server.close());

  async function read(stream: string, from = 0n): Promise<readonly RecordedMessage[]> {
    const messages: RecordedMessage[] = [];
    for await (const message of server.eventstore.history.read(stream, { from })) messages.push(message);
    return messages;
  }

  it('hold the payload byte for byte: large numbers, spaces and the order of keys', async () => {
    const payload = ' { "10": 12345678901234567890.10, "2": 1e400, "ü😀": "\\u00fc\\ud83d\\ude00", "a" : [ ] } ';

    await server.deliver([anOutboxMessage('order-1', 0n, { payload })]);

    const [event] = server.emulator.read('order-1');
    expect(event!.data.toString()).to.equal(payload);
    expect(event!.json).to.equal(true);
  });

  it('have the id of the outbox row, however it is written', async () => {
    const message = anOutboxMessage('order-1', 0n, { id: '0190F5A2-0000-7000-8000-00000000ABCD' });

    expect(await server.deliver([message])).to.include({ accepted: 1 });
    expect(await server.deliver([message])).to.include({ accepted: 1 });
    server.emulator.faults.timeOutAppends();
    expect(await server.deliver([message])).to.include({ accepted: 1 });

    expect(server.storedIds('order-1')).to.deep.equal(['0190f5a2-0000-7000-8000-00000000abcd']);
  });

  it('hold correlation and causation where EventStoreDB expects them, the own keys beside them, and ours under one key', async () => {
    const occurredAt = new Date('2024-02-03T04:05:06.789Z');
    const metadata = { correlationId: 'c-1', causationId: 'c-0', traceparent: '00-1-2-01', tenant: 'acme' };

    await server.deliver([anOutboxMessage('order-1', 0n, { metadata, occurredAt, schemaVersion: 2, codec: 'superjson' })]);

    expect(JSON.parse(server.emulator.read('order-1')[0]!.metadata.toString())).to.deep.equal({
      $correlationId: 'c-1',
      $causationId: 'c-0',
      traceparent: '00-1-2-01',
      tenant: 'acme',
      waybill: { kind: 'event', schemaVersion: 2, codec: 'superjson', occurredAt: '2024-02-03T04:05:06.789Z' },
    });
  });

  it('give back keys of the application that are called like ours', async () => {
    const metadata = { correlationId: 'c-1', $correlationId: 'mine', $causationId: 'mine too', waybill: 'and mine', other: 'x' };

    await server.deliver([anOutboxMessage('order-1', 0n, { metadata })]);

    const [message] = await read('order-1');
    expect(message!.metadata).to.deep.equal(metadata);
  });

  it('of other programs are read as schema version 1, with what their metadata tells', async () => {
    const stranger = server.stranger();
    await stranger.appendToStream('legacy-1', [
      jsonEvent({
        type: 'Imported',
        data: { n: 1 },
        metadata: { $correlationId: 'c-9', $causationId: 'c-8', user: 'eve', deep: { a: 1 } },
      }),
      jsonEvent({ type: 'Imported', data: { n: 2 } }),
    ]);

    const [first, second] = await read('legacy-1');

    expect(first).to.deep.include({ kind: 'event', schemaVersion: 1, codec: 'json', json: { n: 1 } });
    expect(first!.metadata).to.deep.equal({ correlationId: 'c-9', causationId: 'c-8', user: 'eve' });
    expect(first!.occurredAt.getTime()).to.be.closeTo(Date.now(), 10_000);
    expect(second!.metadata).to.deep.equal({ correlationId: second!.id });
  });

  it('that are binary cannot be loaded, and say so', async () => {
    await server.deliver(messagesOf('order-1', 1));
    await server.stranger().appendToStream('order-1', binaryEvent({ type: 'Scan', data: new Uint8Array([1, 2]) }));

    const error: unknown = await read('order-1').catch((cause: unknown) => cause);

    expect(error).to.be.instanceOf(InvalidPayloadError).with.property('type', 'Scan');
    expect((error as Error).message)
      .to.contain('binary')
      .and.contain('order-1');
  });

  it('that are links are given as they are', async () => {
    await server.deliver(messagesOf('order-1', 1));
    await server.stranger().appendToStream('links', jsonEvent({ type: '$>', data: '0@order-1' as never }));

    const links = await read('links');

    expect(links.map(({ type, stream, revision }) => ({ type, stream, revision }))).to.deep.equal([
      { type: '$>', stream: 'links', revision: 0n },
    ]);
  });
});
