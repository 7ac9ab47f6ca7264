import { EventStoreDBClient } from '@eventstore/db-client';
import type { AppendResult } from '@eventstore/db-client';
import { expect } from 'chai';
import { anEvent, append, idsOf } from './append-path.js';
import { newStream, reconnected, serverUnderTest } from './server-under-test.js';
import type { ServerUnderTest } from './server-under-test.js';

describe('EventStoreDB conformance: order of appends', () => {
  let server: ServerUnderTest;

  before(async () => {
    server = await serverUnderTest();
    await reconnected(server.client);
  });

  it('stores the first of several unawaited appends of a new client last', async () => {
    const fresh = EventStoreDBClient.connectionString(server.url);
    const stream = newStream();
    const ids = Array.from({ length: 20 }, () => crypto.randomUUID());

    await Promise.all(ids.map((id) => fresh.appendToStream(stream, anEvent(id))));
    await fresh.dispose();

    expect(await idsOf(server.client, stream)).to.deep.equal([...ids.slice(1), ids[0]]);
  });

  it('stores unawaited appends in call order once one append was awaited, whatever their sizes', async () => {
    const stream = newStream();
    const batches = Array.from({ length: 200 }, (_, index) => Array.from({ length: 1 + (index % 7) }, () => crypto.randomUUID()));

    await Promise.all(
      batches.map((ids) =>
        server.client.appendToStream(
          stream,
          ids.map((id) => anEvent(id)),
        ),
      ),
    );

    expect(await idsOf(server.client, stream)).to.deep.equal(batches.flat());
  });

  it('accepts a chain of exact revisions sent without waiting', async () => {
    const stream = newStream();
    const appendNext = (_: unknown, index: number): Promise<AppendResult> =>
      server.client.appendToStream(stream, anEvent(), { expectedRevision: index === 0 ? 'no_stream' : BigInt(index - 1) });

    const answers = await Promise.all(Array.from({ length: 1_000 }, appendNext));

    expect(answers.map(({ nextExpectedRevision }) => nextExpectedRevision)).to.deep.equal(answers.map((_, index) => BigInt(index)));
  });

  it('breaks a chain of exact revisions sent without waiting on the other append call, which keeps no order', async () => {
    const stream = newStream();

    const outcomes = await Promise.allSettled(
      Array.from({ length: 200 }, (_, index) =>
        append({ client: server.client, path: 'append' }, stream, anEvent(), index === 0 ? 'no_stream' : BigInt(index - 1)),
      ),
    );

    expect(outcomes.filter(({ status }) => status === 'rejected')).not.to.deep.equal([]);
  });

  it('refuses one wrong revision in a chain and goes on with the rest', async () => {
    const stream = newStream();
    const revisions = [-1n, 0n, 7n, 1n, 2n];

    const outcomes = await Promise.allSettled(
      revisions.map((revision) =>
        server.client.appendToStream(stream, anEvent(), { expectedRevision: revision < 0n ? 'no_stream' : revision }),
      ),
    );

    expect(outcomes.map(({ status }) => status)).to.deep.equal(['fulfilled', 'fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
  });

  it('keeps appends to many streams in one order, and acknowledges them in it', async () => {
    const names = Array.from({ length: 10 }, () => newStream());
    const acknowledged: bigint[] = [];

    await Promise.all(
      Array.from({ length: 300 }, async (_, index) => {
        const { position } = await server.client.appendToStream(names[index % 10]!, anEvent());
        acknowledged.push(position!.commit);
      }),
    );

    expect(acknowledged).to.deep.equal([...acknowledged].sort((one, other) => (one < other ? -1 : 1)));
  });
});
