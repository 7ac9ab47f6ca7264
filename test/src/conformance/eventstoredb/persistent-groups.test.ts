import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { END, EventStoreDBClient, eventTypeFilter, persistentSubscriptionToAllSettingsFromDefaults, START } from '@eventstore/db-client';
import { EventStoreDBEmulator } from '@waybill/eventstoredb-emulator';
import { eventually } from '@waybill/testing';
import { expect } from 'chai';
import { failureOf, someEvents } from './append-path.js';
import { describeOnEmulator, itOnEmulator, newStream, reconnected, serverUnderTest } from './server-under-test.js';
import { consume, groupSettings } from './watched-group.js';

/** Longer than the server waits between two looks at its checkpoints. */
const SETTLE_MS = 300;

describe('EventStoreDB conformance: groups of persistent subscriptions', () => {
  let client: EventStoreDBClient;
  let stream: string;
  const group = 'workers';

  before(async () => {
    ({ client } = await serverUnderTest());
  });

  beforeEach(() => {
    stream = newStream('grouped');
  });

  const append = (count: number): Promise<unknown> => client.appendToStream(stream, someEvents(count));
  const infoOf = (name = group) => client.getPersistentSubscriptionToStreamInfo(stream, name);

  it('refuses to create a group twice, and everything about one that does not exist', async () => {
    await client.createPersistentSubscriptionToStream(stream, group, groupSettings());
    const names = { streamName: stream, groupName: 'nobody' };
    const missing = [
      failureOf(client.updatePersistentSubscriptionToStream(stream, 'nobody', groupSettings())),
      failureOf(client.deletePersistentSubscriptionToStream(stream, 'nobody')),
      failureOf(infoOf('nobody')),
      failureOf(client.replayParkedMessagesToStream(stream, 'nobody')),
      consume(client, { stream, group: 'nobody' }).failure,
    ];

    const twice = await failureOf(client.createPersistentSubscriptionToStream(stream, group, groupSettings()));

    expect(twice).to.include({ type: 'persistent-subscription-exists', code: 6, streamName: stream, groupName: group });
    for (const failure of await Promise.all(missing))
      expect(failure).to.include({ type: 'persistent-subscription-does-not-exist', code: 5, ...names });
  });

  it('names $all in errors about a group of $all', async () => {
    const failure = await failureOf(client.getPersistentSubscriptionToAllInfo(newStream('nobody')));

    expect(failure).to.include({ type: 'persistent-subscription-does-not-exist', streamName: '$all' });
  });

  it('tells the settings it was given, who is connected, and how many messages they hold', async () => {
    const given = groupSettings({
      messageTimeout: 5_000,
      maxRetryCount: 3,
      maxSubscriberCount: 4,
      consumerStrategyName: 'Pinned',
      startFrom: 1n,
    });
    await append(3);
    await client.createPersistentSubscriptionToStream(stream, group, given);
    const consumer = consume(client, { stream, group, bufferSize: 5 });
    await consumer.receives(2);

    const info = await infoOf();
    await consumer.end();

    expect(info.settings).to.deep.equal(given);
    expect(info).to.include({ eventSource: stream, groupName: group });
    expect(info.connections).to.have.length(1);
    expect(info.connections[0]).to.include({ availableSlots: 3, inFlightMessages: 2 });
    expect(info.stats).to.include({ totalInFlightMessages: 2, lastKnownEventRevision: 2n, lastCheckpointedEventRevision: undefined });
  });

  it('counts among what is live also what it has handed out', async () => {
    await client.createPersistentSubscriptionToStream(stream, group, groupSettings());
    const consumer = consume(client, { stream, group, acks: true });
    await consumer.confirmed;
    await append(2);
    await consumer.receives(2);

    const { stats } = await eventually('all answers', async () => {
      const info = await infoOf();
      return info.stats.totalInFlightMessages === 0 ? info : undefined;
    });
    await consumer.end();

    expect(stats).to.include({ liveBufferCount: 2n, readBufferCount: 0, retryBufferCount: 0 });
  });

  it('lists the groups of a stream, of $all, and of everything', async () => {
    const ofAll = newStream('of-all');
    await client.createPersistentSubscriptionToStream(stream, 'a', groupSettings());
    await client.createPersistentSubscriptionToStream(stream, 'b', groupSettings());
    await client.createPersistentSubscriptionToAll(ofAll, persistentSubscriptionToAllSettingsFromDefaults());
    const names = (groups: readonly { groupName: string }[]): string[] => groups.map(({ groupName }) => groupName);

    const everything = names(await client.listAllPersistentSubscriptions());
    const toStream = names(await client.listPersistentSubscriptionsToStream(stream));
    const toAll = await client.listPersistentSubscriptionsToAll();
    await client.deletePersistentSubscriptionToAll(ofAll);

    expect(toStream).to.have.members(['a', 'b']);
    expect(names(toAll)).to.include(ofAll);
    expect(toAll.find(({ groupName }) => groupName === ofAll)!.settings.startFrom).to.equal(END);
    expect(everything).to.include.members(['a', 'b', ofAll]);
  });

  it('drops its consumers when it is deleted, and is gone with all it knew', async () => {
    await append(1);
    await client.createPersistentSubscriptionToStream(stream, group, groupSettings());
    const consumer = consume(client, { stream, group });
    await consumer.nack('park', 'broken', (await consumer.receives(1))[0]!);
    await eventually('one parked', async () => ((await infoOf()).stats.parkedMessageCount === 1n ? true : undefined));

    await client.deletePersistentSubscriptionToStream(stream, group);
    const dropped = await consumer.failure;
    await client.createPersistentSubscriptionToStream(stream, group, groupSettings());
    const { stats } = await infoOf();

    expect(dropped).to.include({ type: 'persistent-subscription-dropped', code: 1, streamName: stream, groupName: group });
    expect(stats.parkedMessageCount).to.equal(0n);
  });

  it('drops its consumers when it is changed, and goes on with the new settings', async () => {
    await append(1);
    await client.createPersistentSubscriptionToStream(stream, group, groupSettings());
    const before = consume(client, { stream, group });
    await before.receives(1);

    await client.updatePersistentSubscriptionToStream(stream, group, groupSettings({ maxRetryCount: 7 }));
    const dropped = await before.failure;
    const after = consume(client, { stream, group, acks: true });
    await after.receives(1);
    await after.end();

    expect(dropped).to.include({ type: 'persistent-subscription-dropped' });
    expect((await infoOf()).settings.maxRetryCount).to.equal(7);
  });

  itOnEmulator('replays only the parked messages before a revision of the parked stream', async () => {
    await append(3);
    await client.createPersistentSubscriptionToStream(stream, group, groupSettings());
    const consumer = consume(client, { stream, group });
    await consumer.nack('park', 'broken', ...(await consumer.receives(3)));
    const parked = async (): Promise<bigint> => (await infoOf()).stats.parkedMessageCount;
    await eventually('three parked', async () => ((await parked()) === 3n ? true : undefined));

    await client.replayParkedMessagesToStream(stream, group, { stopAt: 2 });
    const replayed = (await consumer.receives(5)).slice(3);
    await consumer.end();

    expect(replayed.map(({ event }) => event!.revision)).to.deep.equal([0n, 1n]);
    expect(await parked()).to.equal(1n);
  });

  itOnEmulator('refuses a group that could never read, and says why', async () => {
    const bad = groupSettings({ readBatchSize: 500, historyBufferSize: 500 });

    const failure = await failureOf(client.createPersistentSubscriptionToStream(stream, group, bad));

    expect(failure).to.include({ type: 'persistent-subscription-failed', code: 13, streamName: stream, groupName: group });
    expect(failure.message).to.include('readBatchSize');
  });

  it('refuses more consumers than it may have', async () => {
    await client.createPersistentSubscriptionToStream(stream, group, groupSettings({ maxSubscriberCount: 1 }));
    const first = consume(client, { stream, group });
    await first.confirmed;

    const failure = await consume(client, { stream, group }).failure;
    await first.end();

    expect(failure).to.include({ type: 'maximum-subscribers-reached', code: 9, streamName: stream, groupName: group });
  });

  it('checkpoints behind the first message that is not done', async () => {
    await append(30);
    await client.createPersistentSubscriptionToStream(stream, group, groupSettings({ checkPointAfter: 1, checkPointLowerBound: 1 }));
    const consumer = consume(client, { stream, group, bufferSize: 30 });
    const delivered = await consumer.receives(30);

    await consumer.ack(...delivered.filter(({ event }) => event!.revision !== 20n));
    await eventually('a checkpoint', async () => ((await infoOf()).stats.lastCheckpointedEventRevision === 19n ? true : undefined));
    await sleep(SETTLE_MS);
    await consumer.end();

    expect((await infoOf()).stats.lastCheckpointedEventRevision).to.equal(19n);
  });
});

describeOnEmulator('EventStoreDB emulator: persistent subscriptions over a restart', () => {
  let emulator: EventStoreDBEmulator;
  let client: EventStoreDBClient;

  beforeEach(async () => {
    emulator = await EventStoreDBEmulator.start();
    client = EventStoreDBClient.connectionString(emulator.connectionString);
  });

  afterEach(async () => {
    await client.dispose();
    await emulator.stop();
  });

  const eager = groupSettings({ checkPointAfter: 1, checkPointLowerBound: 1, checkPointUpperBound: 5 });
  const appendTen = (stream: string): Promise<unknown> => client.appendToStream(stream, someEvents(10));

  const checkpointed = (place: string): Promise<true> =>
    eventually(`a checkpoint at ${place}`, async () => {
      const latest = emulator.read('$persistentsubscription-s::g-checkpoint').at(-1);
      return latest?.data.toString() === place ? true : undefined;
    });

  it('keeps groups, checkpoints and parked messages, and delivers again what was behind no checkpoint', async () => {
    await appendTen('s');
    await client.createPersistentSubscriptionToStream('s', 'g', eager);
    const before = consume(client, { stream: 's', group: 'g' });
    const delivered = await before.receives(10);
    await before.nack('park', 'broken', delivered[0]!);
    await before.ack(...delivered.slice(1, 6));
    await checkpointed('5');

    await emulator.restart();
    const lost = await before.failure;
    await reconnected(client);
    const after = consume(client, { stream: 's', group: 'g', acks: true });
    const again = await after.receives(4);
    const { stats } = await client.getPersistentSubscriptionToStreamInfo('s', 'g');
    await after.end();

    expect(lost).to.include({ type: 'unavailable' });
    expect(again.map(({ event }) => event!.revision)).to.deep.equal([6n, 7n, 8n, 9n]);
    expect(stats.parkedMessageCount).to.equal(1n);
  });

  it('goes on from its checkpoint when the subsystem alone is restarted', async () => {
    await appendTen('s');
    await client.createPersistentSubscriptionToStream('s', 'g', eager);
    const before = consume(client, { stream: 's', group: 'g', acks: true });
    await before.receives(10);
    await checkpointed('9');

    await client.restartPersistentSubscriptionSubsystem();
    const dropped = await before.failure;
    const after = consume(client, { stream: 's', group: 'g', acks: true });
    await appendTen('s');
    const delivered = await after.receives(10);
    await after.end();

    expect(dropped).to.include({ type: 'persistent-subscription-dropped' });
    expect(delivered[0]!.event!.revision).to.equal(10n);
  });

  it('keeps a group of $all with its filter, and starts it behind its checkpoint', async () => {
    const filter = eventTypeFilter({ prefixes: ['Happened'] });
    await client.createPersistentSubscriptionToAll('g', { ...eager, startFrom: START }, { filter });
    await appendTen('s');
    const before = consume(client, { group: 'g', acks: true });
    await before.receives(10);
    await eventually('a checkpoint at the end', async () => {
      const { stats } = await client.getPersistentSubscriptionToAllInfo('g');
      return stats.lastCheckpointedEventPosition?.commit === emulator.read('s').at(-1)!.position ? true : undefined;
    });

    await emulator.restart();
    await reconnected(client);
    const after = consume(client, { group: 'g', acks: true });
    await appendTen('t');
    const delivered = await after.receives(10);
    await after.end();

    expect(new Set(delivered.map(({ event }) => event!.streamId))).to.deep.equal(new Set(['t']));
  });

  it('keeps groups in its file, and nothing else has to be told to a new process', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'emulator-groups-'));
    const file = join(directory, 'events');
    const first = await EventStoreDBEmulator.start({ file });
    const one = EventStoreDBClient.connectionString(first.connectionString);
    await one.createPersistentSubscriptionToStream('s', 'g', groupSettings({ maxRetryCount: 4 }));
    await one.dispose();
    await first.stop();

    const second = await EventStoreDBEmulator.start({ file });
    const two = EventStoreDBClient.connectionString(second.connectionString);
    const info = await two.getPersistentSubscriptionToStreamInfo('s', 'g');
    await two.dispose();
    await second.stop();
    await rm(directory, { recursive: true });

    expect(info.settings.maxRetryCount).to.equal(4);
  });
});
