import { setTimeout as sleep } from 'node:timers/promises';
import { EventStoreDBClient, START, streamNameFilter } from '@eventstore/db-client';
import type { PersistentSubscriptionToStreamSettings } from '@eventstore/db-client';
import { EventStoreDBEmulator } from '@waybill/eventstoredb-emulator';
import { eventually } from '@waybill/testing';
import { expect } from 'chai';
import { anEvent, someEvents } from './append-path.js';
import { describeOnEmulator, newStream, reconnected, serverUnderTest } from './server-under-test.js';
import { consume, groupSettings } from './watched-group.js';
import type { WatchedConsumer } from './watched-group.js';

/** Long enough to notice that something arrives which should not. */
const SETTLE_MS = 100;

describe('EventStoreDB conformance: competing consumers', () => {
  let client: EventStoreDBClient;
  let stream: string;
  const group = 'workers';

  before(async () => {
    ({ client } = await serverUnderTest());
  });

  beforeEach(() => {
    stream = newStream('strategy');
  });

  const append = (count: number, to = stream): Promise<unknown> => client.appendToStream(to, someEvents(count));
  const create = (changes: Partial<PersistentSubscriptionToStreamSettings>): Promise<void> =>
    client.createPersistentSubscriptionToStream(stream, group, groupSettings(changes));
  const two = async (bufferSize: number): Promise<readonly [WatchedConsumer, WatchedConsumer]> => {
    const consumers = [consume(client, { stream, group, bufferSize }), consume(client, { stream, group, bufferSize })] as const;
    await Promise.all(consumers.map(({ confirmed }) => confirmed));
    return consumers;
  };
  const counts = (consumers: readonly WatchedConsumer[]): number[] => consumers.map(({ delivered }) => delivered.length);

  const together = (consumers: readonly WatchedConsumer[], total: number): Promise<true> =>
    eventually(`${total} deliveries`, async () => (counts(consumers).reduce((sum, count) => sum + count) >= total ? true : undefined));

  it('RoundRobin shares messages out evenly', async () => {
    await create({ consumerStrategyName: 'RoundRobin' });
    const consumers = await two(10);

    await append(8);
    await together(consumers, 8);
    await sleep(SETTLE_MS);

    expect(counts(consumers)).to.deep.equal([4, 4]);
    await Promise.all(consumers.map((consumer) => consumer.end()));
  });

  it('DispatchToSingle fills one consumer before the next gets any', async () => {
    await create({ consumerStrategyName: 'DispatchToSingle' });
    const consumers = await two(5);

    await append(7);
    await together(consumers, 7);
    await sleep(SETTLE_MS);

    expect(counts(consumers)).to.have.members([5, 2]);
    await Promise.all(consumers.map((consumer) => consumer.end()));
  });

  it('Pinned keeps the messages of one stream with one consumer', async () => {
    const streams = Array.from({ length: 6 }, () => newStream(stream));
    const filter = streamNameFilter({ prefixes: [stream] });
    const name = newStream('pinned');
    await client.createPersistentSubscriptionToAll(
      name,
      { ...groupSettings({ consumerStrategyName: 'Pinned' }), startFrom: START },
      { filter },
    );
    const consumers = [consume(client, { group: name, acks: true }), consume(client, { group: name, acks: true })];
    await Promise.all(consumers.map(({ confirmed }) => confirmed));

    for (let round = 0; round < 4; round += 1) for (const to of streams) await append(1, to);
    await together(consumers, 24);
    await sleep(SETTLE_MS);
    await Promise.all(consumers.map((consumer) => consumer.end()));
    await client.deletePersistentSubscriptionToAll(name);
    const [first, second] = consumers.map(({ delivered }) => new Set(delivered.map(({ event }) => event!.streamId)));

    expect(counts(consumers)[0]! + counts(consumers)[1]!).to.equal(24);
    expect(first!.size + second!.size).to.equal(6);
    expect(Math.min(first!.size, second!.size)).to.be.above(0);
  });

  it('leaves nothing out when consumers come and go, and delivers nothing again that one of them has acknowledged', async () => {
    const consumers = 4;
    await append(400);
    await create({ readBatchSize: 20, historyBufferSize: 40 });
    const seen: bigint[] = [];
    for (let turn = 0; turn < consumers; turn += 1) {
      const consumer = consume(client, { stream, group, bufferSize: 25 });
      const delivered = [...(await consumer.receives(25))];
      await consumer.ack(...delivered);
      seen.push(...delivered.map(({ event }) => event!.revision));
      await consumer.receives(50); // the answers have arrived
      await consumer.end();
    }
    const last = consume(client, { stream, group, acks: true });
    await last.receives(300);
    await last.end();
    seen.push(...last.delivered.map(({ event }) => event!.revision));

    expect(new Set(seen).size).to.equal(400);
    expect(seen).to.have.length(400);
  });
});

describeOnEmulator('EventStoreDB emulator: persistent subscriptions and faults', () => {
  let emulator: EventStoreDBEmulator;
  let client: EventStoreDBClient;

  beforeEach(async () => {
    emulator = await EventStoreDBEmulator.start();
    client = EventStoreDBClient.connectionString(emulator.connectionString);
    await client.createPersistentSubscriptionToStream('s', 'g', groupSettings({ messageTimeout: 300 }));
  });

  afterEach(async () => {
    await client.dispose();
    await emulator.stop();
  });

  it('falls silent with the server, and goes on where it stopped', async () => {
    const consumer = consume(client, { stream: 's', group: 'g', acks: true });
    await consumer.confirmed;
    await client.appendToStream('s', anEvent());
    await consumer.receives(1);
    emulator.faults.mute();
    const append = client.appendToStream('s', anEvent());
    await sleep(SETTLE_MS);
    const silent = consumer.delivered.length;

    emulator.faults.heal();
    await append;
    await consumer.receives(2);
    await consumer.end();

    expect(silent).to.equal(1);
  });

  it('loses its consumers with their connections, and delivers again to those that come back', async () => {
    await client.appendToStream('s', anEvent());
    for (const [fault, type] of [
      ['tearConnections', 'unavailable'],
      ['cancelCalls', 'cancelled'],
    ] as const) {
      const consumer = consume(client, { stream: 's', group: 'g' });
      await consumer.receives(1);

      emulator.faults[fault]();

      expect(await consumer.failure).to.include({ type });
    }
    const back = consume(client, { stream: 's', group: 'g', acks: true });
    const [delivered] = await back.receives(1);
    await back.end();

    expect(delivered).to.include({ retryCount: 2 });
  });

  it('loses no message over kills while consumers work, though it delivers some again', async () => {
    const eager = groupSettings({ checkPointAfter: 1, checkPointLowerBound: 1, checkPointUpperBound: 20 });
    await client.createPersistentSubscriptionToStream('t', 'g', eager);
    await client.appendToStream('t', someEvents(500));
    const handled = new Set<bigint>();
    for (const enough of [100, 250, 500]) {
      const consumer = consume(client, { stream: 't', group: 'g', acks: true, bufferSize: 7 });
      await eventually(`${enough} handled`, async () => {
        for (const { event } of consumer.delivered) handled.add(event!.revision);
        return handled.size >= enough ? true : undefined;
      });
      if (enough === 500) await consumer.end();
      else await emulator.restart();
      for (const { event } of consumer.delivered) handled.add(event!.revision);
      if (enough < 500) await reconnected(client);
    }

    expect(handled.size).to.equal(500);
  });

  it('loses what was parked and not yet committed when it is killed, and delivers it again', async () => {
    await client.appendToStream('s', anEvent());
    const consumer = consume(client, { stream: 's', group: 'g' });
    const [message] = await consumer.receives(1);
    emulator.faults.delayCommits(10_000);

    await consumer.nack('park', 'broken', message!);
    await sleep(SETTLE_MS);
    await emulator.restart({ surviving: () => 0 });
    emulator.faults.heal();
    await reconnected(client);
    const after = consume(client, { stream: 's', group: 'g', acks: true });
    const [again] = await after.receives(1);
    await after.end();

    expect(again!.event!.id).to.equal(message!.event!.id);
    expect(emulator.read('$persistentsubscription-s::g-parked')).to.deep.equal([]);
  });
});
