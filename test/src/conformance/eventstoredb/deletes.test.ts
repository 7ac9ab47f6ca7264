import type { EventStoreDBClient, StreamDeletedError } from '@eventstore/db-client';
import { expect } from 'chai';
import { anEvent, append, APPEND_PATHS, failureOf, idsOf } from './append-path.js';
import { itOnEmulator, newStream, restart, serverUnderTest } from './server-under-test.js';
import type { ServerUnderTest } from './server-under-test.js';

describe('EventStoreDB conformance: deleting streams', () => {
  let server: ServerUnderTest;
  let client: EventStoreDBClient;

  /** A soft-deleted stream whose last revision was 2. */
  const aDeletedStream = async (): Promise<{ stream: string; ids: string[] }> => {
    const stream = newStream();
    const ids = Array.from({ length: 3 }, () => crypto.randomUUID());
    await client.appendToStream(
      stream,
      ids.map((id) => anEvent(id)),
    );
    await client.deleteStream(stream);
    return { stream, ids };
  };
  const reading = (stream: string): Promise<string[] | string> => idsOf(client, stream).catch((error: { type: string }) => error.type);

  before(async () => {
    server = await serverUnderTest();
    client = server.client;
  });

  it('reads a soft-deleted stream as if it were missing', async () => {
    const { stream } = await aDeletedStream();

    const failure = await failureOf(idsOf(client, stream));

    expect(failure).to.include({ type: 'stream-not-found', code: undefined, streamName: stream });
  });

  for (const path of APPEND_PATHS) {
    it(`${path}: goes on counting where a soft-deleted stream ended`, async () => {
      for (const expected of ['no_stream', 'any', 2n] as const) {
        const { stream } = await aDeletedStream();
        const id = crypto.randomUUID();

        const { nextExpectedRevision } = await append({ client, path }, stream, anEvent(id), expected);

        expect(nextExpectedRevision, `${expected}`).to.equal(3n);
        expect(await reading(stream)).to.deep.equal([id]);
        expect((await client.getStreamMetadata(stream)).metadata).to.deep.equal({ truncateBefore: 3 });
      }
    });

    it(`${path}: refuses STREAM_EXISTS and a wrong revision on a soft-deleted stream`, async () => {
      const { stream } = await aDeletedStream();

      const exists = await failureOf(append({ client, path }, stream, anEvent(), 'stream_exists'));
      const exact = await failureOf(append({ client, path }, stream, anEvent(), 1n));

      expect(exists).to.include({ type: 'stream-deleted', streamName: stream });
      expect(exact).to.include({ type: 'wrong-expected-version', expectedVersion: 1n, actualVersion: 2n });
    });

    it(`${path}: swallows known events of a soft-deleted stream, with a success and without a position`, async () => {
      const { stream, ids } = await aDeletedStream();

      for (const [id, expected, next] of [
        [ids[0]!, 'no_stream', 0n],
        [ids[2]!, 'any', 2n],
        [ids[2]!, 1n, 2n],
      ] as const) {
        const answer = await append({ client, path }, stream, anEvent(id), expected);
        expect(answer, `${expected}`).to.deep.equal({ success: true, nextExpectedRevision: next, position: undefined });
      }
      expect(await reading(stream)).to.equal('stream-not-found');
    });

    it(`${path}: answers a retry of a truncated event without a position`, async () => {
      const stream = newStream();
      const ids = [crypto.randomUUID(), crypto.randomUUID()] as const;
      await append({ client, path }, stream, [anEvent(ids[0]), anEvent(ids[1])]);
      await client.setStreamMetadata(stream, { truncateBefore: 1 });

      const truncated = await append({ client, path }, stream, anEvent(ids[0]), 'no_stream');
      const kept = await append({ client, path }, stream, anEvent(ids[1]), 0n);

      expect(truncated).to.deep.equal({ success: true, nextExpectedRevision: 0n, position: undefined });
      expect(kept.position).not.to.equal(undefined);
    });

    it(`${path}: refuses everything on a tombstoned stream`, async () => {
      const stream = newStream();
      const id = crypto.randomUUID();
      await append({ client, path }, stream, anEvent(id));
      await client.tombstoneStream(stream);

      for (const expected of ['no_stream', 'any', 'stream_exists', 0n] as const) {
        const failure = await failureOf(append({ client, path }, stream, anEvent(id), expected));
        expect(failure, `${expected}`).to.include({ type: 'stream-deleted', streamName: stream });
      }
    });
  }

  it('refuses to delete a missing stream, with revisions as numbers', async () => {
    const failure = await failureOf(client.deleteStream(newStream()));

    expect(failure).to.include({ type: 'wrong-expected-version', code: 9, expectedVersion: -2n, actualVersion: -1n });
  });

  it('refuses to delete a stream that has moved on', async () => {
    const stream = newStream();
    await client.appendToStream(stream, [anEvent(), anEvent()]);

    const failure = await failureOf(client.deleteStream(stream, { expectedRevision: 0n }));

    expect(failure).to.include({ expectedVersion: 0n, actualVersion: 1n, streamName: stream });
    expect((await client.deleteStream(stream, { expectedRevision: 1n })).position).not.to.equal(undefined);
  });

  it('tombstones a missing stream, and answers with stream-deleted from then on, metadata included', async () => {
    const stream = newStream();
    await client.tombstoneStream(stream);

    const failures = await Promise.all([
      failureOf(idsOf(client, stream)),
      failureOf(client.deleteStream(stream)),
      failureOf(client.tombstoneStream(stream)),
    ]);
    const ofMetadata = [
      await failureOf(client.getStreamMetadata(stream)),
      await failureOf(client.setStreamMetadata(stream, { maxCount: 1 })),
    ] as unknown as StreamDeletedError[];

    expect(failures.map(({ type, streamName }) => [type, streamName])).to.deep.equal(failures.map(() => ['stream-deleted', stream]));
    expect(ofMetadata.map(({ type, streamName }) => [type, streamName])).to.deep.equal(
      ofMetadata.map(() => ['stream-deleted', `$$${stream}`]),
    );
  });

  it('names a stream with letters beyond ASCII in an error of a delete', async () => {
    const stream = newStream('müll');
    await client.tombstoneStream(stream);

    expect((await failureOf(client.deleteStream(stream))).type).to.equal('stream-deleted');
  });

  itOnEmulator('after a restart still swallows by exact revision, and stores by ANY', async () => {
    const { stream, ids } = await aDeletedStream();
    await restart(server);

    const exact = await client.appendToStream(stream, anEvent(ids[1]), { expectedRevision: 0n });
    const noStream = await client.appendToStream(stream, anEvent(ids[0]), { expectedRevision: 'no_stream' });
    const before = await reading(stream);
    const any = await client.appendToStream(stream, anEvent(ids[2]));

    expect(exact).to.deep.equal({ success: true, nextExpectedRevision: 1n, position: undefined });
    expect(noStream).to.deep.equal({ success: true, nextExpectedRevision: 0n, position: undefined });
    expect(before).to.equal('stream-not-found');
    expect(any.nextExpectedRevision).to.equal(3n);
    expect(await reading(stream)).to.deep.equal([ids[2]]);
  });
});
