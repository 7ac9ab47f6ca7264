import { setTimeout as sleep } from 'node:timers/promises';
import { binaryEvent, END, EventStoreDBClient, eventTypeFilter, jsonEvent, START, streamNameFilter } from '@eventstore/db-client';
import type { Filter, Position } from '@eventstore/db-client';
import { EventStoreDBEmulator } from '@waybill/eventstoredb-emulator';
import { expect } from 'chai';
import { anEvent, someEvents } from './append-path.js';
import { describeOnEmulator, itOnEmulator, newStream, serverUnderTest, versionOf } from './server-under-test.js';
import { watch } from './watched-subscription.js';

/** Long enough to notice that something arrives which should not. */
const SETTLE_MS = 100;

describe('EventStoreDB conformance: subscriptions', () => {
  let client: EventStoreDBClient;

  before(async () => {
    ({ client } = await serverUnderTest());
  });

  it('catches up with a stream, says so, and goes on with what is appended', async () => {
    const stream = newStream();
    await client.appendToStream(stream, someEvents(3));

    const watched = watch(client.subscribeToStream(stream, { fromRevision: START }));
    await watched.sees('caughtUp');
    await client.appendToStream(stream, someEvents(2));
    await watched.sees(4n);
    await watched.end();

    expect(watched.seen).to.deep.equal(['confirmation', 0n, 1n, 2n, 'caughtUp', 3n, 4n]);
  });

  it('begins after the revision it is given, and after the end with END', async () => {
    const stream = newStream();
    await client.appendToStream(stream, someEvents(3));

    const [after0, fromEnd] = [
      watch(client.subscribeToStream(stream, { fromRevision: 0n })),
      watch(client.subscribeToStream(stream, { fromRevision: END })),
    ];
    await Promise.all([after0.sees('caughtUp'), fromEnd.sees('caughtUp')]);
    await client.appendToStream(stream, anEvent());
    await Promise.all([after0.sees(3n), fromEnd.sees(3n)]);
    await Promise.all([after0.end(), fromEnd.end()]);

    expect(after0.events).to.deep.equal([1n, 2n, 3n]);
    expect(fromEnd.events).to.deep.equal([3n]);
  });

  it('waits for a missing stream, and for a revision that is not there yet', async () => {
    const stream = newStream();
    const [fromStart, after1] = [watch(client.subscribeToStream(stream)), watch(client.subscribeToStream(stream, { fromRevision: 1n }))];
    await Promise.all([fromStart.sees('caughtUp'), after1.sees('caughtUp')]);

    for (let count = 0; count < 3; count += 1) await client.appendToStream(stream, anEvent());
    await Promise.all([fromStart.sees(2n), after1.sees(2n)]);
    await Promise.all([fromStart.end(), after1.end()]);

    expect(fromStart.events).to.deep.equal([0n, 1n, 2n]);
    expect(after1.events).to.deep.equal([2n]);
  });

  it('goes on over a soft delete, and ends with the tombstone', async () => {
    const stream = newStream();
    await client.appendToStream(stream, anEvent());
    const watched = watch(client.subscribeToStream(stream));
    await watched.sees('caughtUp');

    await client.deleteStream(stream);
    await client.appendToStream(stream, anEvent());
    await watched.sees(1n);
    await client.tombstoneStream(stream);
    const failure = await watched.failure;

    expect(watched.events).to.deep.equal([0n, 1n, 9_223_372_036_854_775_807n]);
    expect(failure).to.include({ type: 'stream-deleted', streamName: stream });
    expect(await watch(client.subscribeToStream(stream)).failure).to.include({ type: 'stream-deleted' });
  });

  it('follows $all from a position, exclusively', async () => {
    const stream = newStream();
    const first = await client.appendToStream(stream, anEvent());
    await client.appendToStream(stream, anEvent());

    const filter = streamNameFilter({ prefixes: [stream] });
    const watched = watch(client.subscribeToAll({ fromPosition: first.position!, filter }));
    await watched.sees('caughtUp');
    const last = await client.appendToStream(stream, anEvent());
    await watched.sees(2n);
    await watched.end();
    const atEnd = watch(client.subscribeToAll({ fromPosition: last.position!, filter }));
    await atEnd.sees('caughtUp');
    await sleep(SETTLE_MS);
    await atEnd.end();

    expect(watched.events).to.deep.equal([1n, 2n]);
    expect(atEnd.events).to.deep.equal([]);
  });

  it('filters $all by names and types, by prefix and by pattern', async () => {
    const stream = newStream('filtered');
    const types = [`Order${stream}`, `Invoice${stream}`, `Order${stream}X`];
    const { position } = await client.appendToStream(newStream(), anEvent());
    await client.appendToStream(
      stream,
      types.map((type) => jsonEvent({ type, data: {} })),
    );
    await client.appendToStream(`other-${stream}`, jsonEvent({ type: `Order${stream}`, data: {} }));

    const found = async (filter: Filter): Promise<readonly string[]> => {
      const watched = watch(client.subscribeToAll({ fromPosition: position!, filter }));
      await watched.sees('caughtUp');
      await watched.end();
      return watched.types;
    };

    expect(await found(streamNameFilter({ prefixes: [stream] }))).to.deep.equal(types);
    expect(await found(streamNameFilter({ regex: `^other-${stream}$` }))).to.deep.equal([types[0]]);
    expect(await found(eventTypeFilter({ prefixes: [types[1]!, types[2]!] }))).to.deep.equal([types[1], types[2]]);
    expect(await found(eventTypeFilter({ regex: `^Order${stream}$` }))).to.deep.equal([types[0], types[0]]);
  });

  it('follows links when told to, to what is there and what comes', async () => {
    const [stream, links] = [newStream(), newStream('links')];
    await client.appendToStream(stream, [anEvent(), anEvent()]);
    const linkTo = (revision: number): Promise<unknown> =>
      client.appendToStream(links, binaryEvent({ type: '$>', data: Buffer.from(`${revision}@${stream}`) }));
    await linkTo(1);

    const watched = watch(client.subscribeToStream(links, { resolveLinkTos: true }));
    await watched.sees('caughtUp');
    await linkTo(0);
    await watched.sees(0n);
    await watched.end();

    expect(watched.events).to.deep.equal([1n, 0n]);
    expect(watched.types).to.deep.equal(['Happened', 'Happened']);
  });

  itOnEmulator('refuses a filter that is no regular expression', async () => {
    const watched = watch(client.subscribeToAll({ filter: streamNameFilter({ regex: '(' }) }));

    expect(await watched.failure).to.include({ type: 'unknown', code: 2 });
  });

  it('tells a filtered subscriber how far it has looked, in catch-up without a prepare position', async () => {
    const { position } = await client.appendToStream(newStream(), anEvent());
    for (let count = 0; count < 10; count += 1) await client.appendToStream(newStream('skipped'), someEvents(10));
    const caughtUp: Position[] = [];
    const live: Position[] = [];
    let sink = caughtUp;

    const checkpointReached = async (_subscription: unknown, checkpoint: Position): Promise<void> => void sink.push(checkpoint);
    const filter = streamNameFilter({ prefixes: [newStream('nobody')], maxSearchWindow: 32, checkpointInterval: 1, checkpointReached });
    const watched = watch(client.subscribeToAll({ fromPosition: position!, filter }));
    await watched.sees('caughtUp');
    await sleep(SETTLE_MS);
    sink = live;
    for (let count = 0; count < 10; count += 1) await client.appendToStream(newStream('skipped'), someEvents(10));
    await sleep(SETTLE_MS);
    await watched.end();

    expect(caughtUp.length).to.be.within(2, 5);
    expect(caughtUp.every(({ commit, prepare }) => commit > position!.commit && prepare === 0n)).to.equal(true);
    expect(live.length).to.be.within(2, 5);
    expect(live.every(({ commit, prepare }) => commit === prepare)).to.equal(true);
  });

  it('drops a live subscriber for which more than 32 events wait, or goes back to catching up on later servers', async () => {
    const stream = newStream();
    const version = await versionOf(client);
    const watched = watch(client.subscribeToStream(stream));
    await watched.sees('caughtUp');

    await client.appendToStream(stream, someEvents(500));

    if (version >= 24.02) {
      await watched.sees(499n);
      expect(watched.events).to.have.length(500);
      await watched.end();
      return;
    }
    const failure = await watched.failure;
    expect(failure).to.include({ type: 'timeout', code: 10 });
    expect(failure.message).to.include('Consumer too slow to handle event while live. Client resubscription required.');
    expect(watched.events).to.have.length.below(500);
    expect(watched.events).to.deep.equal(watched.events.map((_, revision) => BigInt(revision)));
  });

  it('keeps a live subscriber for which 32 events wait', async () => {
    const stream = newStream();
    const watched = watch(client.subscribeToStream(stream));
    await watched.sees('caughtUp');

    for (const last of [31n, 63n]) {
      await client.appendToStream(stream, someEvents(32));
      await watched.sees(last);
    }
    await watched.end();

    expect(watched.events).to.have.length(64);
  });

  it('lets a subscriber resume from where it was dropped without a gap', async () => {
    const stream = newStream();
    const seen: bigint[] = [];
    const appending = (async () => {
      for (let count = 0; count < 5; count += 1) {
        await client.appendToStream(stream, someEvents(100));
        await sleep(SETTLE_MS);
      }
    })();

    while (seen.length < 500) {
      const last = seen.at(-1);
      const watched = watch(client.subscribeToStream(stream, { fromRevision: last ?? START }));
      await Promise.race([watched.failure, watched.sees(499n)]);
      seen.push(...watched.events);
      await watched.end();
    }
    await appending;

    expect(seen).to.deep.equal(seen.map((_, revision) => BigInt(revision)));
  });
});

describeOnEmulator('EventStoreDB conformance: subscriptions of later servers', () => {
  it('24.10 falls behind and catches up again instead of dropping a subscriber', async () => {
    const emulator = await EventStoreDBEmulator.start({ version: '24.10' });
    const client = EventStoreDBClient.connectionString(emulator.connectionString);
    const watched = watch(client.subscribeToStream('s'));
    await watched.sees('caughtUp');

    await client.appendToStream('s', someEvents(500));
    await watched.sees(499n);
    await sleep(SETTLE_MS);
    await watched.end();
    await client.dispose();
    await emulator.stop();

    expect(watched.events).to.deep.equal(Array.from({ length: 500 }, (_, revision) => BigInt(revision)));
    expect(watched.seen.filter((one) => typeof one === 'string')).to.deep.equal(['confirmation', 'caughtUp', 'fellBehind', 'caughtUp']);
  });

  it('24.10 falls behind on a filtered $all too, without a gap and without repeating itself', async () => {
    const emulator = await EventStoreDBEmulator.start({ version: '24.10' });
    const client = EventStoreDBClient.connectionString(emulator.connectionString);
    const watched = watch(client.subscribeToAll({ filter: streamNameFilter({ prefixes: ['order-'], maxSearchWindow: 32 }) }));
    await watched.sees('caughtUp');

    for (const stream of ['order-7', 'other', 'order-7', 'other']) await client.appendToStream(stream, someEvents(250));
    await watched.sees(499n);
    await sleep(SETTLE_MS);
    await watched.end();
    await client.dispose();
    await emulator.stop();

    expect(watched.events).to.deep.equal(Array.from({ length: 500 }, (_, revision) => BigInt(revision)));
    expect(watched.seen).to.include('fellBehind');
    expect(watched.seen.at(-1)).to.equal('caughtUp');
  });
});
