import { setTimeout as sleep } from 'node:timers/promises';
import { binaryEvent, jsonEvent, persistentSubscriptionToStreamSettingsFromDefaults, START } from '@eventstore/db-client';
import type { Logger, Received } from '@waybill/core';
import { silentLogger } from '@waybill/core';
import { EventStoreDB } from '@waybill/eventstoredb';
import type { EventStoreDBOptions, PersistentSubscription, PersistentSubscriptionOptions, SubscriptionTarget } from '@waybill/eventstoredb';
import { eventually, messagesOf } from '@waybill/testing';
import { expect } from 'chai';
import { deliverAll } from './deliver-all.js';
import { emulated } from './emulated.js';
import type { Emulated } from './emulated.js';
import { NarrowWay } from './narrow-way.js';
import { parkedIn } from './parked.js';

const QUICK: EventStoreDBOptions = { readTimeoutMs: 300, appendTimeoutMs: 1_000 };

describe('EventStoreDB: receiving from a group', () => {
  let server: Emulated;
  let stop: AbortController;
  beforeEach(async () => {
    server = await emulated({ eventstore: QUICK });
    stop = new AbortController();
  });
  afterEach(async () => {
    stop.abort();
    await server.close();
  });

  const order: SubscriptionTarget = { stream: 'order-1' };
  const groupOf = (options: Partial<PersistentSubscriptionOptions> = {}, target: SubscriptionTarget = order): PersistentSubscription =>
    server.eventstore.persistentSubscription(target, { group: 'shipping', ...options });
  const receive = (group: PersistentSubscription): AsyncIterator<Received> =>
    group.receive({ signal: stop.signal })[Symbol.asyncIterator]();
  async function next(deliveries: AsyncIterator<Received>): Promise<Received> {
    const result = (await deliveries.next()) as IteratorResult<Received, undefined>;
    if (result.done) throw new Error('It ended by itself.');
    return result.value;
  }
  const store = (stream: string, count: number, from = 0n): Promise<void> => deliverAll(server, messagesOf(stream, count, from));
  const nameOf = ({ arrival }: Received): string =>
    arrival.kind === 'message' ? `${arrival.message.stream}@${arrival.message.revision}` : `unreadable ${arrival.unreadable.type}`;
  async function ackNext(deliveries: AsyncIterator<Received>, count: number): Promise<readonly string[]> {
    const names: string[] = [];
    while (names.length < count) {
      const received = await next(deliveries);
      await received.ack();
      names.push(nameOf(received));
    }
    return names;
  }
  const failureOf = (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => undefined,
      (error: unknown) => error,
    );

  it('makes the group where there is none, from the beginning or from now', async () => {
    await store('order-1', 2);
    const [old, young] = [groupOf(), groupOf({ group: 'billing', create: { from: 'now' } })];

    const [ofOld, ofYoung] = [receive(old), receive(young)];
    const names = await ackNext(ofOld, 2);
    const waiting = ackNext(ofYoung, 1);
    await eventually('the group', async () => ((await young.info().catch(() => undefined))?.consumers === 1 ? true : undefined));
    await store('order-1', 1, 2n);

    expect(names).to.deep.equal(['order-1@0', 'order-1@1']);
    expect(await waiting).to.deep.equal(['order-1@2']);
  });

  it('goes on where the group was, also for a process that starts later', async () => {
    await store('order-1', 3);
    await ackNext(receive(groupOf()), 2);
    stop.abort();
    stop = new AbortController();

    expect(await ackNext(receive(server.another().persistentSubscription(order, { group: 'shipping' })), 1)).to.deep.equal(['order-1@2']);
  });

  it('does not make a group that it is told not to make', async () => {
    await store('order-1', 1);

    const failure = await failureOf(receive(groupOf({ create: false })).next());

    expect(failure).to.have.property('code', 'PERSISTENT_SUBSCRIPTION_MISSING');
    expect((failure as Error).message).to.contain('group shipping on stream order-1 of EventStoreDB');
  });

  it('leaves a group as it was made, and tells which settings differ', async () => {
    await store('order-1', 1);
    await ackNext(receive(groupOf({ create: { maxRetries: 2, answerTimeoutMs: 5_000 } })), 1);
    stop.abort();
    stop = new AbortController();
    const told: object[] = [];
    const logger: Logger = { ...silentLogger, warn: (fields) => void told.push(fields) };
    await store('order-1', 1, 1n);

    await ackNext(receive(groupOf({ logger, create: { maxRetries: 3, answerTimeoutMs: 5_000 } })), 1);

    expect(told).to.deep.equal([{ group: 'shipping', others: ['maxRetries'] }]);
  });

  it('takes for a group on all only what the target selects', async () => {
    await store('orders-1', 1);
    await store('order-1', 1);
    const types = ['Wanted', 'WantedNot'].map((type) => jsonEvent({ type, data: {} }));
    await server.stranger().appendToStream('invoice-1', types);
    await server.stranger().setStreamMetadata('order-2', { maxCount: 1 });
    await store('order-2', 1);

    const category = await ackNext(receive(groupOf({}, { category: 'order' })), 2);
    const typed = receive(groupOf({ group: 'typed' }, { all: { types: ['Wanted'] } }));
    const wanted = await ackNext(typed, 1);
    await server.stranger().appendToStream('invoice-2', types);

    expect(category).to.have.members(['order-1@0', 'order-2@0']);
    expect([...wanted, ...(await ackNext(typed, 1))]).to.deep.equal(['invoice-1@0', 'invoice-2@0']);
  });

  it('hands out a binary event as unreadable', async () => {
    await server.stranger().appendToStream('order-1', binaryEvent({ type: 'Odd', data: Buffer.from('no JSON') }));

    expect(await ackNext(receive(groupOf()), 1)).to.deep.equal(['unreadable Odd']);
  });

  it('has what is retried too often parked by the server, and replays it', async () => {
    await store('order-1', 1);
    const group = groupOf({ create: { maxRetries: 2 } });
    const deliveries = receive(group);
    const redeliveries: number[] = [];

    for (let nth = 0; nth < 3; nth++) {
      const received = await next(deliveries);
      redeliveries.push(received.redeliveries);
      await received.retry('the warehouse is closed');
    }
    await eventually('the parking', async () => ((await group.info()).parked === 1n ? true : undefined));
    await group.replayParked({ atMost: 10 });

    expect(redeliveries).to.deep.equal([0, 1, 2]);
    const again = await next(deliveries);
    expect(again.redeliveries).to.equal(0);
    await again.ack();
    expect(await parkedIn(server.stranger(), 'order-1', 'shipping')).to.have.length.below(2);
  });

  it('lets a consumer that stops answer what it has in hand', async () => {
    await store('order-1', 2);
    const received = await next(receive(groupOf({ bufferSize: 1 })));

    stop.abort();
    await sleep(20);
    await received.ack();
    stop = new AbortController();

    expect(await ackNext(receive(groupOf()), 1)).to.deep.equal(['order-1@1']);
  });

  it('takes no answers back when its consumer stops right behind them', async () => {
    await store('order-1', 60);
    // The server gets the answers together with what comes right behind them: if that is the end of the call, it looks at few of them.
    const way = await NarrowWay.to(server.emulator.port, { bundleMs: 20 });
    const eventstore = new EventStoreDB(`esdb://127.0.0.1:${way.port}?tls=false`, QUICK);
    const group = eventstore.persistentSubscription(order, { group: 'shipping', bufferSize: 20 });
    const seen: string[] = [];

    for (let nth = 0; nth < 3; nth++) {
      const one = new AbortController();
      const deliveries = group.receive({ signal: one.signal })[Symbol.asyncIterator]();
      const inHand: Received[] = [];
      while (inHand.length < 20) inHand.push(await next(deliveries));
      seen.push(...inHand.map(nameOf));
      await Promise.all(inHand.map((received) => received.ack()));
      one.abort();
      await eventually('the end', async () => ((await group.info()).consumers === 0 ? true : undefined));
    }
    await eventstore.close();
    await way.close();

    expect(seen).to.deep.equal(Array.from({ length: 60 }, (_, nth) => `order-1@${nth}`));
  });

  it('says of an answer over a connection that is lost that it has no effect', async () => {
    await store('order-1', 1);
    const deliveries = receive(groupOf());
    const received = await next(deliveries);
    await server.emulator.restart();
    const failure = await failureOf(deliveries.next());

    expect(failure).to.have.property('code', 'EVENTSTOREDB_UNAVAILABLE');
    expect(await failureOf(received.ack())).to.have.property('code', 'EVENTSTOREDB_UNAVAILABLE');
    expect(await ackNext(receive(groupOf()), 1)).to.deep.equal(['order-1@0']);
  });

  it('tells of a group that was deleted while it was in use, and does not begin it anew', async () => {
    await store('order-1', 1);
    const group = groupOf();
    const deliveries = receive(group);
    await ackNext(deliveries, 1);

    const failure = failureOf(deliveries.next());
    await server.stranger().deletePersistentSubscriptionToStream('order-1', 'shipping');

    expect(await failure).to.have.property('code', 'PERSISTENT_SUBSCRIPTION_MISSING');
    expect(await failureOf(receive(group).next())).to.have.property('code', 'PERSISTENT_SUBSCRIPTION_MISSING');
    expect(await failureOf(group.info())).to.have.property('code', 'PERSISTENT_SUBSCRIPTION_MISSING');
    expect(await failureOf(group.replayParked())).to.have.property('code', 'PERSISTENT_SUBSCRIPTION_MISSING');
  });

  it('tells of a group that was changed while it was in use, and goes on with it', async () => {
    await store('order-1', 2);
    const group = groupOf();
    const deliveries = receive(group);
    await ackNext(deliveries, 2);

    const failure = failureOf(deliveries.next());
    const settings = persistentSubscriptionToStreamSettingsFromDefaults({ startFrom: START, maxRetryCount: 3 });
    await server.stranger().updatePersistentSubscriptionToStream('order-1', 'shipping', settings);
    await store('order-1', 1, 2n);

    expect(await failure).to.have.property('code', 'EVENTSTOREDB_UNAVAILABLE');
    expect(((await failure) as Error).message).to.contain('the group dropped its consumers');
    expect((await ackNext(receive(group), 3)).at(-1)).to.equal('order-1@2'); // no checkpoint was written yet
  });

  it('takes silence for what it is where nothing waits, and gives up where something does', async () => {
    await store('order-1', 1);
    const group = groupOf({ silenceMs: 100 });
    const deliveries = receive(group);
    await ackNext(deliveries, 1);
    await store('order-1', 2, 1n); // live: the server goes on counting what it has handed out
    await ackNext(deliveries, 2);
    const waiting = deliveries.next();
    await sleep(350);
    expect(await group.info()).to.include({ waiting: 0n, inFlight: 0, consumers: 1 });
    server.emulator.faults.forgetSubscribers();
    await store('order-1', 1, 3n);

    const failure = await failureOf(waiting);

    expect((failure as Error).message).to.contain('100 ms (silenceMs)');
    expect(await ackNext(receive(group), 1)).to.deep.equal(['order-1@3']);
  });

  it('gives up a server that is mute', async () => {
    await store('order-1', 1);
    const deliveries = receive(groupOf({ silenceMs: 100 }));
    await ackNext(deliveries, 1);
    server.emulator.faults.mute();

    expect(await failureOf(deliveries.next())).to.have.property('code', 'EVENTSTOREDB_UNAVAILABLE');
    server.emulator.faults.heal();
  });

  it('loses nothing over ten kills', async () => {
    const seen = new Set<string>();
    const group = groupOf({ silenceMs: 500 }, { category: 'order' });
    let begun = 0;
    const reading = (async () => {
      while (seen.size < 100) {
        begun += 1;
        try {
          for await (const received of group.receive({ signal: stop.signal })) {
            seen.add(nameOf(received));
            await received.ack();
            if (seen.size === 100) return;
          }
        } catch {
          await sleep(5);
        }
      }
    })();

    for (let nth = 0; nth < 10; nth++) {
      await store('order-1', 10, BigInt(nth * 10));
      await eventually('that it receives', async () => (begun > nth ? true : undefined));
      await server.emulator.restart();
    }
    await reading;

    expect(begun).to.be.above(8);
    expect(seen.size).to.equal(100);
  });

  it('refuses options that cannot work', () => {
    const refused: readonly object[] = [
      { group: '' },
      { bufferSize: 0 },
      { silenceMs: -1 },
      { source: '' },
      { create: { from: 'yesterday' } },
      { create: { maxRetries: -1 } },
      { create: { answerTimeoutMs: 0.5 } },
      { create: { strategy: 'fair' } },
    ];

    for (const options of refused)
      expect(() => groupOf(options), JSON.stringify(options))
        .to.throw()
        .with.property('code', 'INVALID_OPTIONS');
  });
});
