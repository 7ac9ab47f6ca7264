import { EventStoreDBClient, jsonEvent } from '@eventstore/db-client';
import { expect } from 'chai';
import { anEvent, append, APPEND_PATHS, failureOf, idsOf, someEvents } from './append-path.js';
import { itOnEmulator, newStream, serverUnderTest } from './server-under-test.js';
import type { ServerUnderTest } from './server-under-test.js';

describe('EventStoreDB conformance: answers to appends', () => {
  let server: ServerUnderTest;
  let client: EventStoreDBClient;

  before(async () => {
    server = await serverUnderTest();
    client = server.client;
  });

  for (const path of APPEND_PATHS) {
    it(`${path}: answers a retry at its own revision with the original position`, async () => {
      const stream = newStream();
      const ids = Array.from({ length: 5 }, () => crypto.randomUUID());
      const appendAll = async (): Promise<unknown[]> => {
        const answers = [];
        for (const [index, id] of ids.entries()) {
          answers.push(await append({ client, path }, stream, anEvent(id), index === 0 ? 'no_stream' : BigInt(index - 1)));
        }
        return answers;
      };

      const first = await appendAll();
      const second = await appendAll();

      expect(second).to.deep.equal(first);
      expect(await idsOf(client, stream)).to.deep.equal(ids);
    });

    it(`${path}: compares ids only, whatever data and type say`, async () => {
      const stream = newStream();
      const id = crypto.randomUUID();
      await append({ client, path }, stream, anEvent(id, { was: 'stored' }), 'no_stream');

      const retry = await append({ client, path }, stream, jsonEvent({ id, type: 'Other', data: { is: 'ignored' } }), 'no_stream');

      expect(retry).to.include({ success: true, nextExpectedRevision: 0n });
      for await (const { event } of client.readStream(stream)) expect(event).to.deep.include({ type: 'Happened', data: { was: 'stored' } });
    });

    it(`${path}: recognises an id in upper case, in braces and without dashes, and gives it back in lower case`, async () => {
      const stream = newStream();
      const id = crypto.randomUUID();
      const bare = crypto.randomUUID();
      await append({ client, path }, stream, [anEvent(id.toUpperCase()), anEvent(bare.replaceAll('-', ''))]);

      await append({ client, path }, stream, [anEvent(`{${id}}`), anEvent(bare)]);

      expect(await idsOf(client, stream)).to.deep.equal([id, bare]);
    });

    it(`${path}: remembers an id for the stream that had it first, and for no other`, async () => {
      const [first, second] = [newStream(), newStream()];
      const id = crypto.randomUUID();
      for (const stream of [first, second, second, first]) await append({ client, path }, stream, anEvent(id));

      expect(await idsOf(client, first)).to.deep.equal([id]);
      expect(await idsOf(client, second)).to.deep.equal([id, id]);
    });

    it(`${path}: takes a stream that has metadata only for one that exists`, async () => {
      const stream = newStream();
      await client.setStreamMetadata(stream, { maxCount: 10 });

      const { nextExpectedRevision } = await append({ client, path }, stream, anEvent(), 'stream_exists');

      expect(nextExpectedRevision).to.equal(0n);
    });

    it(`${path}: reports the position of the last event of an append`, async () => {
      const stream = newStream();
      const { position } = await append({ client, path }, stream, [anEvent(), anEvent()]);

      const positions = [];
      for await (const { event } of client.readStream(stream)) positions.push(event!.position);
      expect(positions[1]).to.deep.equal(position);
      expect(positions[0]!.commit < positions[1]!.commit).to.equal(true);
      expect(position!.commit).to.equal(position!.prepare);
    });

    it(`${path}: fails at once when the client's clock is behind by more than the deadline`, async () => {
      const behind = path === 'append' ? { credentials: { username: 'admin', password: 'changeit' } } : {};
      const failure = await failureOf(client.appendToStream(newStream(), anEvent(), { deadline: -1_000, ...behind }));

      expect(failure.type).to.equal('deadline-exceeded');
    });
  }

  it('forgets the oldest ids when long stream names fill its memory', async () => {
    const stream = newStream();
    const id = crypto.randomUUID();
    await client.appendToStream(stream, anEvent(id));
    const longName = newStream('x'.repeat(500_000)); // an id there weighs a million bytes of eight
    await client.appendToStream(longName, someEvents(20));

    await client.appendToStream(stream, anEvent(id));

    expect(await idsOf(client, stream)).to.deep.equal([id, id]);
  });

  it('tells a client that does not throw the truth on one call and a wrong revision on the other', async () => {
    const lenient = EventStoreDBClient.connectionString(`${server.url}${server.url.includes('?') ? '&' : '?'}throwOnAppendFailure=false`);
    const stream = newStream();
    await lenient.appendToStream(stream, [anEvent(), anEvent(), anEvent()]);

    const viaBatch = await append({ client: lenient, path: 'batch' }, stream, anEvent(), 'no_stream');
    const viaAppend = await append({ client: lenient, path: 'append' }, stream, anEvent(), 'no_stream');
    await lenient.dispose();

    expect(viaAppend).to.include({ success: false, nextExpectedRevision: 2n });
    expect(viaBatch).to.include({ success: false, nextExpectedRevision: 1n }); // a bug of the client: always 1
  });

  itOnEmulator('drops the same event without a word while the first is not committed yet', async () => {
    const { faults } = server.emulator!;
    const [batch, single] = [newStream(), newStream()];
    const ids = [crypto.randomUUID(), crypto.randomUUID()] as const;
    faults.delayCommits(100);

    const first = [append({ client, path: 'batch' }, batch, anEvent(ids[0])), append({ client, path: 'append' }, single, anEvent(ids[1]))];
    await new Promise((resolve) => setTimeout(resolve, 30));
    const again = [
      failureOf(append({ client, path: 'batch' }, batch, anEvent(ids[0]))),
      failureOf(append({ client, path: 'append' }, single, anEvent(ids[1]), 'no_stream')),
    ];
    await Promise.all(first);
    faults.heal();
    const [viaBatch, viaAppend] = await Promise.all(again);

    expect(viaBatch).to.include({ type: 'deadline-exceeded', code: undefined });
    expect(viaAppend).to.include({ type: 'timeout', code: 10 });
    expect(viaAppend!.message).to.include('Operation timed out: Commit phase timeout.');
    expect(await idsOf(client, batch)).to.deep.equal([ids[0]]);
    expect(await append({ client, path: 'batch' }, batch, anEvent(ids[0]))).to.include({ success: true });
    expect(await idsOf(client, single)).to.deep.equal([ids[1]]);
  });
});
