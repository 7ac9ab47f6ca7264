import { setTimeout as sleep } from 'node:timers/promises';
import { binaryEvent, persistentSubscriptionToAllSettingsFromDefaults, START, streamNameFilter } from '@eventstore/db-client';
import type { EventStoreDBClient, PersistentSubscriptionToStreamSettings, ResolvedEvent } from '@eventstore/db-client';
import { eventually } from '@waybill/testing';
import { expect } from 'chai';
import { anEvent, someEvents } from './append-path.js';
import { itOnEmulator, newStream, serverUnderTest } from './server-under-test.js';
import { consume, groupSettings } from './watched-group.js';
import type { Delivered } from './watched-group.js';

/** Long enough to notice that something arrives which should not. */
const SETTLE_MS = 100;
const revisionsOf = (events: readonly Delivered[]): bigint[] => events.map(({ event }) => event!.revision);

describe('EventStoreDB conformance: persistent subscriptions', () => {
  let client: EventStoreDBClient;
  let stream: string;
  const group = 'workers';

  before(async () => {
    ({ client } = await serverUnderTest());
  });

  beforeEach(() => {
    stream = newStream('competing');
  });

  const create = (changes: Partial<PersistentSubscriptionToStreamSettings> = {}): Promise<void> =>
    client.createPersistentSubscriptionToStream(stream, group, groupSettings(changes));
  const append = (count: number): Promise<unknown> => client.appendToStream(stream, someEvents(count));
  const parkedLinks = async (count: number): Promise<readonly ResolvedEvent[]> =>
    eventually(`${count} parked messages`, async () => {
      const parked: ResolvedEvent[] = [];
      try {
        for await (const event of client.readStream(`$persistentsubscription-${stream}::${group}-parked`)) parked.push(event);
      } catch {
        return undefined; // no such stream yet
      }
      return parked.length >= count ? parked : undefined;
    });

  it('delivers what is there and what comes, each once, and nothing again that was acknowledged', async () => {
    await append(2);
    await create();
    const consumer = consume(client, { stream, group, acks: true });
    await consumer.receives(2);
    await append(2);
    const delivered = await consumer.receives(4);
    await sleep(SETTLE_MS);
    await consumer.end();

    expect(revisionsOf(delivered)).to.deep.equal([0n, 1n, 2n, 3n]);
    expect(delivered.map(({ retryCount }) => retryCount)).to.deep.equal([0, 0, 0, 0]);
  });

  it('starts at the end, at a revision and including it, or waits for a missing stream', async () => {
    await append(3);
    const missing = newStream('missing');
    const from = async (startFrom: PersistentSubscriptionToStreamSettings['startFrom'], name: string, of = stream): Promise<void> =>
      client.createPersistentSubscriptionToStream(of, name, groupSettings({ startFrom }));
    await Promise.all([from('end', 'at-end'), from(1n, 'at-1'), from(START, 'waiting', missing)]);
    const atEnd = consume(client, { stream, group: 'at-end', acks: true });
    const at1 = consume(client, { stream, group: 'at-1', acks: true });
    const waiting = consume(client, { stream: missing, group: 'waiting', acks: true });

    await Promise.all([append(1), client.appendToStream(missing, anEvent())]);

    expect(revisionsOf(await atEnd.receives(1))).to.deep.equal([3n]);
    expect(revisionsOf(await at1.receives(3))).to.deep.equal([1n, 2n, 3n]);
    expect(revisionsOf(await waiting.receives(1))).to.deep.equal([0n]);
    await Promise.all([atEnd.end(), at1.end(), waiting.end()]);
  });

  it('gives a consumer no more unanswered messages than its buffer holds', async () => {
    await append(5);
    await create();
    const consumer = consume(client, { stream, group, bufferSize: 2 });
    await consumer.receives(2);
    await sleep(SETTLE_MS);
    const before = consumer.delivered.length;

    await consumer.ack(consumer.delivered[0]!);
    await consumer.receives(3);
    await sleep(SETTLE_MS);
    await consumer.end();

    expect([before, consumer.delivered.length]).to.deep.equal([2, 3]);
  });

  it('delivers a refused message again, counting, and parks it when its retries are used up', async () => {
    await append(1);
    await create({ maxRetryCount: 2 });
    const consumer = consume(client, { stream, group });
    for (let count = 1; count <= 3; count += 1) {
      await consumer.receives(count);
      await consumer.nack('retry', 'not now', consumer.delivered[count - 1]!);
    }
    const [link] = await parkedLinks(1);
    await sleep(SETTLE_MS);
    await consumer.end();

    expect(consumer.delivered.map(({ retryCount }) => retryCount)).to.deep.equal([0, 1, 2]);
    expect(textOf(link!)).to.equal(`0@${stream}`);
    expect(link!.event!.type).to.equal('$>');
    expect(link!.event!.metadata).to.include({ reason: 'Reached retry count of 2' });
  });

  it('parks with the reason, skips for good, and delivers nothing of it again', async () => {
    await append(3);
    await create();
    const consumer = consume(client, { stream, group });
    const [first, second, third] = await consumer.receives(3);

    await consumer.nack('park', 'the customer is unknown', first!);
    await consumer.nack('skip', 'not ours', second!);
    await consumer.ack(third!);
    const parked = await parkedLinks(1);
    await sleep(SETTLE_MS);
    await consumer.end();

    expect(consumer.delivered).to.have.length(3);
    expect(parked.map(textOf)).to.deep.equal([`0@${stream}`]);
    expect(parked[0]!.event!.metadata).to.include({ reason: "Client explicitly NAK'ed message.\nthe customer is unknown" });
    expect(parked[0]!.event!.metadata).to.have.property('added');
  });

  it('replays what it has parked as if for the first time, and takes it out of the parked stream', async () => {
    await append(2);
    await create();
    const consumer = consume(client, { stream, group });
    await consumer.receives(2);
    await consumer.nack('park', 'broken', ...consumer.delivered);
    await parkedLinks(2);

    await client.replayParkedMessagesToStream(stream, group);
    const replayed = (await consumer.receives(4)).slice(2);
    await consumer.ack(...replayed);
    await sleep(SETTLE_MS);
    await consumer.end();

    expect(revisionsOf(replayed)).to.deep.equal([0n, 1n]);
    expect(replayed.map(({ retryCount }) => retryCount)).to.deep.equal([0, 0]);
    expect((await client.getPersistentSubscriptionToStreamInfo(stream, group)).stats.parkedMessageCount).to.equal(0n);
  });

  it('delivers again what nobody answers in time, and parks it in the end', async () => {
    await append(1);
    await create({ messageTimeout: 200, maxRetryCount: 1 });
    const consumer = consume(client, { stream, group });

    const delivered = await consumer.receives(2);
    const [link] = await parkedLinks(1);
    await consumer.end();

    expect(delivered.map(({ retryCount }) => retryCount)).to.deep.equal([0, 1]);
    expect(link!.event!.metadata).to.include({ reason: 'Reached retry count of 1' });
  });

  it('hands what a lost consumer had not answered to another', async () => {
    await append(3);
    await create();
    const lost = consume(client, { stream, group, bufferSize: 2 });
    await lost.ack((await lost.receives(2))[0]!);
    await lost.receives(3);
    await lost.end();

    const other = consume(client, { stream, group, acks: true });
    const delivered = await other.receives(2);
    await sleep(SETTLE_MS);
    await other.end();

    expect(revisionsOf(delivered)).to.deep.equal([1n, 2n]);
  });

  itOnEmulator('counts each lost consumer, and parks nothing for it before the next refusal', async () => {
    await append(1);
    await create({ maxRetryCount: 1 });
    for (let nth = 0; nth < 3; nth++) {
      const lost = consume(client, { stream, group });
      await lost.receives(1);
      await lost.end();
    }

    const consumer = consume(client, { stream, group });
    const [delivered] = await consumer.receives(1);
    await consumer.nack('retry', 'not now', delivered!);
    const [link] = await parkedLinks(1);
    await consumer.end();

    expect(delivered!.retryCount).to.equal(3);
    expect(link!.event!.metadata).to.include({ reason: 'Reached retry count of 1' });
  });

  it('follows links when told to, and is answered by the link', async () => {
    const links = newStream('links');
    await append(2);
    await client.appendToStream(links, [
      binaryEvent({ type: '$>', data: Buffer.from(`1@${stream}`) }),
      binaryEvent({ type: '$>', data: Buffer.from(`0@${stream}`) }),
    ]);
    const settings = groupSettings({ resolveLinkTos: true });
    await client.createPersistentSubscriptionToStream(links, group, settings);
    const consumer = consume(client, { stream: links, group, bufferSize: 1 });

    await consumer.ack((await consumer.receives(1))[0]!);
    const [first, second] = await consumer.receives(2);
    await consumer.end();

    expect([first!.event!.revision, second!.event!.revision]).to.deep.equal([1n, 0n]);
    expect([first!.link!.revision, second!.link!.revision]).to.deep.equal([0n, 1n]);
  });

  it('finds in $all what is wanted behind much that is not', async () => {
    const [name, others] = [newStream('of-all'), newStream('others')];
    const filter = streamNameFilter({ prefixes: [stream] });
    for (let nth = 0; nth < 5; nth++) await client.appendToStream(others, someEvents(5_000));
    await append(1);
    await client.createPersistentSubscriptionToAll(name, persistentSubscriptionToAllSettingsFromDefaults({ startFrom: START }), { filter });

    const consumer = consume(client, { group: name, acks: true });
    const delivered = await consumer.receives(1);
    await consumer.end();
    await client.deletePersistentSubscriptionToAll(name);

    expect(delivered.map(({ event }) => event!.streamId)).to.deep.equal([stream]);
  });

  it('delivers from $all what passes its filter', async () => {
    const name = newStream('of-all');
    const filter = streamNameFilter({ prefixes: [stream] });
    await append(2);
    await client.createPersistentSubscriptionToAll(name, persistentSubscriptionToAllSettingsFromDefaults({ startFrom: START }), { filter });
    const consumer = consume(client, { group: name, acks: true });
    await consumer.receives(2);
    await client.appendToStream(newStream('others'), anEvent());
    await append(1);
    const delivered = await consumer.receives(3);
    await consumer.end();
    await client.deletePersistentSubscriptionToAll(name);

    expect(delivered.map(({ event }) => event!.streamId)).to.deep.equal([stream, stream, stream]);
    expect(revisionsOf(delivered)).to.deep.equal([0n, 1n, 2n]);
    expect(delivered.every(({ commitPosition }) => commitPosition !== undefined)).to.equal(true);
  });
});

function textOf({ event }: ResolvedEvent): string {
  return Buffer.from(event!.data as unknown as Uint8Array).toString();
}
