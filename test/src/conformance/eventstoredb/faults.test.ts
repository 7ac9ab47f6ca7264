import type { AppendResult, EventStoreDBClient, NotLeaderError } from '@eventstore/db-client';
import type { EventStoreDBEmulator } from '@waybill/eventstoredb-emulator';
import { expect } from 'chai';
import { anEvent, append, APPEND_PATHS, failureOf } from './append-path.js';
import { describeOnEmulator, newStream, reconnected, restart, serverUnderTest } from './server-under-test.js';
import type { ServerUnderTest } from './server-under-test.js';
import { watch } from './watched-subscription.js';

/** Long enough to notice an answer that should not come. */
const SETTLE_MS = 100;
const settled = (): Promise<'no answer'> => new Promise((resolve) => setTimeout(resolve, SETTLE_MS, 'no answer'));

describeOnEmulator('EventStoreDB emulator: failing on purpose', () => {
  let server: ServerUnderTest;
  let client: EventStoreDBClient;
  let emulator: EventStoreDBEmulator;

  const stored = (stream: string): number => emulator.read(stream).length;
  const outcomes = async (appends: readonly Promise<AppendResult>[]): Promise<string[]> => {
    const settledAppends = await Promise.allSettled(appends);
    return settledAppends.map((one) => (one.status === 'fulfilled' ? 'ok' : (one.reason as { type: string }).type));
  };

  before(async () => {
    server = await serverUnderTest();
    client = server.client;
    emulator = server.emulator!;
    await reconnected(client);
  });

  afterEach(async () => {
    emulator.faults.heal();
    await reconnected(client);
  });

  it('stores without acknowledging', async () => {
    const stream = newStream();
    emulator.faults.storeWithoutAcknowledging(2, { stream });

    const unanswered = [client.appendToStream(stream, anEvent()), client.appendToStream(stream, anEvent())];
    const third = await client.appendToStream(stream, anEvent());
    const others = await client.appendToStream(newStream(), anEvent());
    const early = await Promise.race([...unanswered, settled()]);
    emulator.faults.tearConnections();

    expect([third.nextExpectedRevision, others.nextExpectedRevision]).to.deep.equal([2n, 0n]);
    expect(early).to.equal('no answer');
    expect(await outcomes(unanswered)).to.deep.equal(['unavailable', 'unavailable']);
    expect(stored(stream)).to.equal(3);
  });

  it('loses appends', async () => {
    const stream = newStream();
    emulator.faults.loseAppends();

    const lost = client.appendToStream(stream, anEvent());
    const early = await Promise.race([lost, settled()]);
    emulator.faults.tearConnections();

    expect(early).to.equal('no answer');
    expect(await outcomes([lost])).to.deep.equal(['unavailable']);
    expect(stored(stream)).to.equal(0);
  });

  for (const path of APPEND_PATHS) {
    it(`${path}: stores and says that it timed out`, async () => {
      const stream = newStream();
      emulator.faults.timeOutAppends();

      const failure = await failureOf(append({ client, path }, stream, anEvent()));

      expect(failure.type).to.equal(path === 'batch' ? 'deadline-exceeded' : 'timeout');
      expect(stored(stream)).to.equal(1);
    });

    it(`${path}: refuses as busy and as not ready, storing nothing`, async () => {
      const stream = newStream();
      emulator.faults.refuseAsBusy(1, { stream });
      emulator.faults.refuseAsNotReady(1, { stream });

      const busy = await failureOf(append({ client, path }, stream, anEvent()));
      await reconnected(client);
      const notReady = await failureOf(append({ client, path }, stream, anEvent()));

      const [type, prefix] = path === 'batch' ? ['unknown', 'Could not recognize'] : ['unavailable', '14 UNAVAILABLE:'];
      expect(busy).to.include({ type, message: `${prefix} Server Is Busy` });
      expect(notReady).to.include({ type, message: `${prefix} Server Is Not Ready` });
      expect(stored(stream)).to.equal(0);
    });

    it(`${path}: names another leader, to which the client goes`, async () => {
      const stream = newStream();
      emulator.faults.refuseAsNotLeader({ host: '127.0.0.1', port: emulator.port });

      const failure = (await failureOf(append({ client, path }, stream, anEvent()))) as unknown as NotLeaderError;
      await reconnected(client);

      expect(failure.type).to.equal('not-leader');
      expect(failure.leader).to.deep.equal({ address: '127.0.0.1', port: emulator.port });
      expect(stored(stream)).to.equal(0);
    });
  }

  it('fails every append in flight on the batch call when it is not the leader', async () => {
    const stream = newStream();
    emulator.faults.storeWithoutAcknowledging(3);
    emulator.faults.refuseAsNotLeader({ host: '127.0.0.1', port: emulator.port });

    const appends = Array.from({ length: 4 }, () => client.appendToStream(stream, anEvent()));

    expect(await outcomes(appends)).to.deep.equal(Array(4).fill('not-leader'));
    expect(stored(stream)).to.equal(3);
  });

  it('acknowledges late', async () => {
    const stream = newStream();
    emulator.faults.delayAcknowledgements(3 * SETTLE_MS);

    const late = client.appendToStream(stream, anEvent());
    const early = await Promise.race([late, settled()]);
    const storedEarly = stored(stream);

    expect([early, storedEarly]).to.deep.equal(['no answer', 1]);
    expect(await late).to.include({ success: true, nextExpectedRevision: 0n });
  });

  it('commits late: ordered at once, readable and acknowledged together', async () => {
    const stream = newStream();
    emulator.faults.delayCommits(3 * SETTLE_MS);

    const chained = [
      client.appendToStream(stream, anEvent(), { expectedRevision: 'no_stream' }),
      client.appendToStream(stream, anEvent(), { expectedRevision: 0n }),
    ];
    const early = await Promise.race([...chained, settled()]);
    const storedEarly = stored(stream);

    expect([early, storedEarly]).to.deep.equal(['no answer', 0]);
    expect(await outcomes(chained)).to.deep.equal(['ok', 'ok']);
    expect(stored(stream)).to.equal(2);
  });

  it('falls silent, and goes on where it stopped', async () => {
    const stream = newStream();
    const watched = watch(client.subscribeToStream(stream));
    await watched.sees('caughtUp');
    emulator.faults.mute();

    const held = [client.appendToStream(stream, anEvent()), client.appendToStream(stream, anEvent())];
    const early = await Promise.race([...held, settled()]);
    const storedEarly = stored(stream);
    emulator.faults.heal();

    expect([early, storedEarly]).to.deep.equal(['no answer', 0]);
    expect(await outcomes(held)).to.deep.equal(['ok', 'ok']);
    await watched.sees(1n);
    await watched.end();
  });

  it('is killed and restarted: connections break, all that was acknowledged is there', async () => {
    const stream = newStream();
    const acknowledged = await outcomes(Array.from({ length: 20 }, () => client.appendToStream(stream, anEvent())));
    const watched = watch(client.subscribeToStream(stream));
    await watched.sees('caughtUp');
    const url = emulator.connectionString;

    await emulator.kill();
    const failure = await watched.failure;
    const whileDown = await failureOf(client.appendToStream(stream, anEvent()));
    await emulator.restart();
    await reconnected(client);

    expect(failure).to.include({ type: 'unavailable', code: 14 });
    expect(failure.message).to.include('ECONNRESET');
    expect(whileDown.code).to.equal(14);
    expect(emulator.connectionString).to.equal(url);
    expect(stored(stream)).to.equal(acknowledged.length);
    expect(await client.appendToStream(stream, anEvent())).to.include({ nextExpectedRevision: 20n });
  });

  it('is killed with appends in flight: some are stored, none is acknowledged, the rest can be sent again', async () => {
    const stream = newStream();
    const ids = Array.from({ length: 10 }, () => crypto.randomUUID());
    const appendFrom = (first: number): Promise<AppendResult>[] =>
      ids.slice(first).map((id, index) => {
        const revision = first + index - 1;
        return client.appendToStream(stream, anEvent(id), { expectedRevision: revision < 0 ? 'no_stream' : BigInt(revision) });
      });
    emulator.faults.delayCommits(10_000);

    const inFlight = appendFrom(0);
    await settled();
    await emulator.restart({ surviving: (count) => count - 6 });
    const lost = await outcomes(inFlight);
    emulator.faults.heal();
    await reconnected(client);
    const survivors = stored(stream);
    const again = await outcomes(appendFrom(0));

    expect(lost).to.deep.equal(Array(10).fill('unavailable'));
    expect(survivors).to.equal(4);
    expect(again).to.deep.equal(Array(10).fill('ok'));
    expect(emulator.read(stream).map(({ id }) => id)).to.deep.equal(ids);
  });

  it('forgets streams, metadata and tombstones that a kill cut off', async () => {
    const [stream, deleted] = [newStream(), newStream()];
    await client.appendToStream(deleted, anEvent());
    emulator.faults.delayCommits(10_000);

    const inFlight = [
      client.appendToStream(stream, anEvent()),
      client.setStreamMetadata(stream, { maxCount: 1 }),
      client.deleteStream(deleted) as unknown as Promise<AppendResult>,
      client.tombstoneStream(stream) as unknown as Promise<AppendResult>,
    ];
    const ended = outcomes(inFlight);
    await settled();
    await emulator.restart({ surviving: () => 0 });
    await ended;
    emulator.faults.heal();
    await reconnected(client);

    expect(emulator.streams()).not.to.include.members([stream]);
    expect((await client.getStreamMetadata(stream)).metadata).to.equal(undefined);
    expect(await client.appendToStream(stream, [anEvent(), anEvent()])).to.include({ nextExpectedRevision: 1n });
    expect(await client.appendToStream(deleted, anEvent(), { expectedRevision: 'stream_exists' })).to.include({ nextExpectedRevision: 1n });
  });

  it('cancels calls: clients see CANCELLED, and find the server again', async () => {
    const stream = newStream();
    const watched = watch(client.subscribeToStream(stream));
    await watched.sees('caughtUp');

    emulator.faults.cancelCalls();
    const failure = await watched.failure;
    await reconnected(client);

    expect(failure).to.include({ type: 'cancelled', code: 1 });
  });

  it('tears connections and lives on', async () => {
    const watched = watch(client.subscribeToStream(newStream()));
    await watched.sees('caughtUp');

    emulator.faults.tearConnections();

    expect(await watched.failure).to.include({ type: 'unavailable', code: 14 });
    await reconnected(client);
  });

  it('forgets by a restart which ids it has seen, and nothing else', async () => {
    const stream = newStream();
    const id = crypto.randomUUID();
    await client.appendToStream(stream, anEvent(id));
    await restart(server);

    const exact = await client.appendToStream(stream, anEvent(id), { expectedRevision: 'no_stream' });
    const any = await client.appendToStream(stream, anEvent(id));

    expect([exact.nextExpectedRevision, any.nextExpectedRevision]).to.deep.equal([0n, 1n]);
  });
});
