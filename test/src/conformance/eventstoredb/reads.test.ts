import { BACKWARDS, END, FORWARDS, jsonEvent, START } from '@eventstore/db-client';
import type { EventStoreDBClient, ReadStreamOptions } from '@eventstore/db-client';
import { expect } from 'chai';
import { anEvent, failureOf, idsOf, someEvents } from './append-path.js';
import { newStream, serverUnderTest } from './server-under-test.js';

describe('EventStoreDB conformance: reads and what metadata hides', () => {
  let client: EventStoreDBClient;

  const aStreamOf = async (length: number): Promise<string> => {
    const stream = newStream();
    await client.appendToStream(stream, someEvents(length));
    return stream;
  };
  const revisions = async (stream: string, options: ReadStreamOptions = {}): Promise<number[]> => {
    const found: number[] = [];
    for await (const { event } of client.readStream(stream, options)) found.push(Number(event!.revision));
    return found;
  };

  before(async () => {
    ({ client } = await serverUnderTest());
  });

  it('reads from a revision and including it, both ways', async () => {
    const stream = await aStreamOf(5);

    expect(await revisions(stream)).to.deep.equal([0, 1, 2, 3, 4]);
    expect(await revisions(stream, { fromRevision: 2n, maxCount: 2 })).to.deep.equal([2, 3]);
    expect(await revisions(stream, { direction: BACKWARDS, fromRevision: END })).to.deep.equal([4, 3, 2, 1, 0]);
    expect(await revisions(stream, { direction: BACKWARDS, fromRevision: 2n, maxCount: 2 })).to.deep.equal([2, 1]);
    expect(await revisions(stream, { direction: BACKWARDS, fromRevision: START })).to.deep.equal([0]);
  });

  it('reads nothing behind the end, and backwards from there the last event first', async () => {
    const stream = await aStreamOf(3);

    expect(await revisions(stream, { fromRevision: 3n })).to.deep.equal([]);
    expect(await revisions(stream, { fromRevision: 2n ** 64n - 1n })).to.deep.equal([]);
    expect(await revisions(stream, { direction: BACKWARDS, fromRevision: 100n, maxCount: 1 })).to.deep.equal([2]);
  });

  it('fails to read forwards from the end, or no event at all', async () => {
    const stream = await aStreamOf(1);

    for (const options of [{ fromRevision: END, direction: FORWARDS } as const, { maxCount: 0 }]) {
      const failure = await failureOf(revisions(stream, options));
      expect(failure).to.include({ type: 'unknown', code: 2 });
      expect(failure.message).to.include('Unexpected ReadStreamResult: Error');
    }
  });

  it('reads a missing stream as not found, without a status code', async () => {
    expect(await failureOf(idsOf(client, newStream()))).to.include({ type: 'stream-not-found', code: undefined });
  });

  it('keeps the last $maxCount events readable', async () => {
    const stream = await aStreamOf(10);
    await client.setStreamMetadata(stream, { maxCount: 3 });

    expect(await revisions(stream)).to.deep.equal([7, 8, 9]);
    expect(await revisions(stream, { fromRevision: 2n })).to.deep.equal([7, 8, 9]);
    expect(await revisions(stream, { maxCount: 2 })).to.deep.equal([7, 8]);
    expect(await revisions(stream, { direction: BACKWARDS, fromRevision: 5n })).to.deep.equal([]);

    await client.setStreamMetadata(stream, { maxCount: 0 });
    expect(await revisions(stream)).to.have.length(10);
  });

  it('hides events before $tb, and those older than $maxAge', async () => {
    const stream = await aStreamOf(3);
    await client.setStreamMetadata(stream, { truncateBefore: 2 });
    expect(await revisions(stream)).to.deep.equal([2]);
    await client.setStreamMetadata(stream, { truncateBefore: 10 });
    expect(await revisions(stream)).to.deep.equal([]);

    await client.setStreamMetadata(stream, { maxAge: 1 });
    expect(await revisions(stream)).to.have.length(3);
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    expect(await revisions(stream)).to.deep.equal([]);
  });

  it('gives metadata back, at first none, then only the latest', async () => {
    const stream = newStream();
    expect(await client.getStreamMetadata(stream)).to.deep.equal({ streamName: stream });

    await client.setStreamMetadata(stream, { maxCount: 5 });
    const { position } = await client.setStreamMetadata(stream, { maxCount: 7, own: 'field' });

    const { metadata, metastreamRevision } = await client.getStreamMetadata(stream);
    expect(metadata).to.deep.equal({ maxCount: 7, own: 'field' });
    expect(metastreamRevision).to.equal(position!.commit); // a bug of the client: it is no revision
    expect(await revisions(`$$${stream}`)).to.deep.equal([1]);
  });

  it('follows links, and gives the link alone when its target cannot be read', async () => {
    const [target, links] = [await aStreamOf(2), newStream()];
    const linkTo = (data: string): ReturnType<typeof jsonEvent> => ({ ...jsonEvent({ type: '$>', data: {} }), data: data as never });
    const binaryLink = (data: string): never =>
      ({ ...linkTo(data), contentType: 'application/octet-stream', data: Buffer.from(data) }) as never;
    await client.appendToStream(links, [binaryLink(`1@${target}`), binaryLink(`0@${newStream()}`), binaryLink(`7@${target}`)]);

    const resolved = [];
    for await (const { event, link } of client.readStream(links, { resolveLinkTos: true }))
      resolved.push([event?.revision, link?.revision]);
    const plain = [];
    for await (const { event, link } of client.readStream(links)) plain.push([event?.type, link]);

    expect(resolved).to.deep.equal([
      [1n, 0n],
      [undefined, 1n],
      [undefined, 2n],
    ]);
    expect(plain).to.deep.equal(Array(3).fill(['$>', undefined]));
  });

  it('reads $all from a position: forwards including it, backwards not', async () => {
    const stream = newStream();
    const first = await client.appendToStream(stream, anEvent());
    const second = await client.appendToStream(stream, anEvent());
    const ours = async (options: object): Promise<bigint[]> => {
      const found: bigint[] = [];
      for await (const { event } of client.readAll(options)) if (event!.streamId === stream) found.push(event!.revision);
      return found;
    };

    expect(await ours({ fromPosition: first.position })).to.deep.equal([0n, 1n]);
    expect(await ours({ direction: BACKWARDS, fromPosition: second.position, maxCount: 3 })).to.deep.equal([0n]);
    expect(await ours({ direction: BACKWARDS, fromPosition: END, maxCount: 1 })).to.deep.equal([1n]);
    expect(await ours({ fromPosition: START })).to.deep.equal([0n, 1n]);
  });

  it('fails to read $all from a position that is no event', async () => {
    const { position } = await client.appendToStream(newStream(), [anEvent(), anEvent()]);
    const between = { commit: position!.commit + 1n, prepare: position!.prepare + 1n };
    await client.appendToStream(newStream(), anEvent());

    const failure = await failureOf(
      (async () => {
        for await (const event of client.readAll({ fromPosition: between })) expect(event).to.equal(undefined);
      })(),
    );

    expect(failure).to.include({ type: 'unknown', code: 2 });
    expect(failure.message).to.include('Unexpected ReadAllResult: Error');
  });

  it('shows every append to the next read of anyone', async () => {
    const stream = newStream();
    for (let revision = 0; revision < 20; revision += 1) {
      await client.appendToStream(stream, anEvent());
      expect(await revisions(stream, { direction: BACKWARDS, fromRevision: END, maxCount: 1 })).to.deep.equal([revision]);
    }
  });

  it('stops sending when a reader cancels', async () => {
    const stream = await aStreamOf(5_000);
    let seen = 0;

    const reading = client.readStream(stream);
    for await (const resolved of reading) {
      expect(resolved.event!.revision).to.equal(BigInt(seen));
      seen += 1;
      if (seen === 10) break;
    }
    await reading.cancel();

    expect(await revisions(stream, { maxCount: 1 })).to.deep.equal([0]);
  });
});
