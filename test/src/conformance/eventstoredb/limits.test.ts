import { binaryEvent, EventStoreDBClient, jsonEvent } from '@eventstore/db-client';
import type { EventData, MaxAppendSizeExceededError } from '@eventstore/db-client';
import { EventStoreDBEmulator } from '@waybill/eventstoredb-emulator';
import { expect } from 'chai';
import { anEvent, append, APPEND_PATHS, failureOf } from './append-path.js';
import { describeOnEmulator, newStream, reconnected, serverUnderTest, versionOf } from './server-under-test.js';

const LIMIT = 1_048_576;
const bytes = (length: number): Uint8Array => new Uint8Array(length).fill(7);
const binary = (length: number, type = 'Bytes'): EventData => binaryEvent({ type, data: bytes(length) });

describe('EventStoreDB conformance: limits and shapes', () => {
  let client: EventStoreDBClient;
  /** What the type `Bytes` costs: servers from 24.10 on count two bytes a character. */
  let typeBytes: number;

  before(async () => {
    ({ client } = await serverUnderTest());
    typeBytes = (await versionOf(client)) >= 24.1 ? 10 : 0;
  });

  for (const path of APPEND_PATHS) {
    it(`${path}: takes 1,048,576 bytes of data in one append and not one more, summed over its events`, async () => {
      const limit = LIMIT - typeBytes; // of one event
      for (const events of [[binary(limit)], [binary(limit - typeBytes - 10), binary(10)]]) {
        expect(await append({ client, path }, newStream(), events)).to.include({ success: true });
      }

      for (const events of [[binary(limit + 1)], [binary(limit - typeBytes - 10), binary(11)]]) {
        const failure = await failureOf(append({ client, path }, newStream(), events));
        expect(failure.type).to.equal('maximum-append-size-exceeded');
        expect((failure as unknown as MaxAppendSizeExceededError).maxAppendSize).to.equal(LIMIT);
        expect(failure.code).to.equal(path === 'append' ? 3 : undefined);
      }
    });

    it(`${path}: refuses the two stream names that name nothing`, async () => {
      for (const name of ['', '$$']) {
        const failure = await failureOf(append({ client, path }, name, anEvent()));
        expect(failure.type).to.equal('unknown');
        expect(failure.message).to.equal(
          path === 'batch' ? 'Could not recognize BadRequest' : '2 UNKNOWN: Exception was thrown by handler.',
        );
      }
    });
  }

  it('gives odd stream names back exactly, and a lone surrogate as U+FFFD', async () => {
    const suffix = newStream('');
    const names = ['$x', '$$x', '-', 'a@b', 'ü', '🙂', 'a\nb', 'a\r\nb', 'a\tb', 'a\0b', ' a b ', 'a/b\\c', '$all', '$$$all'];

    for (const name of names) {
      const stream = name + suffix;
      await client.appendToStream(stream, anEvent());
      for await (const { event } of client.readStream(stream)) expect(event!.streamId).to.equal(stream);
    }
    await client.appendToStream(`\ud800${suffix}`, anEvent());
    for await (const { event } of client.readStream(`\ufffd${suffix}`)) expect(event!.streamId).to.equal(`\ufffd${suffix}`);
  });

  it('takes long names, odd types, and data and metadata of every shape', async () => {
    const stream = newStream('long'.repeat(50_000));
    const types = ['T'.repeat(100_000), '$foo', 'ü🙂', 'a\0b'];
    const events = [
      ...types.map((type) => jsonEvent({ type, data: {} })),
      jsonEvent({ type: 'T', data: null as never, metadata: {} }),
      jsonEvent({ type: 'T', data: 'text', metadata: { of: 'json' } }),
      binaryEvent({ type: 'T', data: bytes(0), metadata: bytes(3) }),
    ];
    await client.appendToStream(stream, events);

    const read = [];
    for await (const { event } of client.readStream(stream)) read.push(event!);

    expect(read.map(({ type }) => type)).to.deep.equal([...types, 'T', 'T', 'T']);
    expect(read[0]!.metadata).to.equal(undefined);
    expect(read[4]).to.deep.include({ data: null, metadata: {} });
    expect(read[5]).to.deep.include({ data: 'text', metadata: { of: 'json' }, isJson: true });
    expect(read[6]).to.include({ isJson: false });
    expect([...(read[6]!.metadata as Uint8Array)]).to.deep.equal([7, 7, 7]);
  });

  it('takes ten thousand empty events in one append, all at the same millisecond', async () => {
    const stream = newStream();
    const { nextExpectedRevision } = await client.appendToStream(
      stream,
      Array.from({ length: 10_000 }, () => binary(0)),
    );

    const times = new Set<number>();
    for await (const { event } of client.readStream(stream)) times.add(event!.created.getTime());
    expect(nextExpectedRevision).to.equal(9_999n);
    expect(times.size).to.equal(1);
  });

  it('ends the connection of a message that is larger than 16 MiB', async () => {
    const failure = await failureOf(client.appendToStream(newStream(), binary(20 * 1024 * 1024)));
    await reconnected(client);

    expect(failure).to.include({ type: 'unknown', code: 8 });
  });
});

describeOnEmulator('EventStoreDB conformance: the size limit by server version', () => {
  const metadata = { pad: 'm'.repeat(2 * LIMIT) };

  it('23.10 does not count metadata', async () => {
    const { client } = await serverUnderTest();

    expect(await client.appendToStream(newStream(), jsonEvent({ type: 'T', data: {}, metadata }))).to.include({ success: true });
  });

  it('24.10 counts data, metadata and twice the type', async () => {
    const emulator = await EventStoreDBEmulator.start({ version: '24.10' });
    const client = EventStoreDBClient.connectionString(emulator.connectionString);

    const failure = await failureOf(client.appendToStream('s', jsonEvent({ type: 'T', data: {}, metadata })));
    const fits = await client.appendToStream('s', binary(LIMIT - 8, 'Type'));
    const tooLarge = await failureOf(client.appendToStream('s', binary(LIMIT - 7, 'Type')));
    await client.dispose();
    await emulator.stop();

    expect(failure.type).to.equal('maximum-append-size-exceeded');
    expect(fits).to.include({ success: true });
    expect(tooLarge.type).to.equal('maximum-append-size-exceeded');
  });
});
