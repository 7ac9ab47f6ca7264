import { setTimeout as sleep } from 'node:timers/promises';
import { EventStoreDB } from '@waybill/eventstoredb';
import type { EventStoreDBOptions, SubscriptionTarget } from '@waybill/eventstoredb';
import { anOutboxMessage, eventually, messagesOf } from '@waybill/testing';
import { expect } from 'chai';
import { deliverAll } from './deliver-all.js';
import { emulated } from './emulated.js';
import type { Emulated, EmulatedOptions } from './emulated.js';
import { Followed } from './followed.js';
import { NarrowWay } from './narrow-way.js';

const QUICK: EventStoreDBOptions = { readTimeoutMs: 200, appendTimeoutMs: 1_000 };
const SETTLE_MS = 300;

describe('EventStoreDB: following, and what can go wrong', () => {
  let server: Emulated;
  let open: Followed[] = [];
  const begin = async (options: EmulatedOptions = {}): Promise<void> => void (server = await emulated({ eventstore: QUICK, ...options }));
  afterEach(async () => {
    for (const followed of open) followed.stop();
    open = [];
    await server.close();
  });

  function follow(
    target: SubscriptionTarget,
    silenceMs = 30_000,
    after?: bigint,
    eventstore = server.eventstore,
    types?: readonly string[],
  ): Followed {
    const followed = new Followed(eventstore.subscribe(target, { silenceMs }), { after, types });
    open.push(followed);
    return followed;
  }
  const store = (stream: string, count: number, from = 0n): Promise<void> => deliverAll(server, messagesOf(stream, count, from));

  for (const [name, target] of [
    ['a stream', { stream: 'order-1' }],
    ['a category', { category: 'order' }],
    ['all', { all: {} }],
  ] as const) {
    it(`takes the silence of ${name} to which nothing is written for what it is, and says so`, async () => {
      await begin();
      await store('order-1', 3);
      await server.stranger().setStreamMetadata('invoice-1', { maxCount: 10 }); // the system's own, behind all that is wanted
      const followed = await follow(target, 50).untilCaughtUp();

      await followed.untilCaughtUp();
      await followed.untilCaughtUp();
      await store('order-1', 1, 3n);

      expect((await followed.until(({ kind }) => kind === 'message')).messages).to.have.length(4);
    });

    it(`gives up a subscription to ${name} that the server has forgotten`, async () => {
      await begin();
      await store('order-1', 1);
      const followed = await follow(target, 100).untilCaughtUp();
      server.emulator.faults.forgetSubscribers();
      await store('order-1', 1, 1n);

      const failure = await followed.failure();

      expect(failure).to.have.property('code', 'EVENTSTOREDB_UNAVAILABLE');
      expect((failure as Error).message).to.contain('100 ms (silenceMs)');
      expect((await follow(target, 100, followed.position).untilCaughtUp()).messages).to.deep.equal(['order-1@1']);
    });
  }

  it('takes the silence behind events of types that are not wanted for what it is', async () => {
    await begin();
    await store('order-1', 1);
    const followed = await follow({ all: {} }, 50, undefined, server.eventstore, ['Wanted']).untilCaughtUp();
    await store('order-1', 2, 1n);

    await followed.untilCaughtUp();
    await followed.untilCaughtUp();

    expect(followed.messages).to.deep.equal([]);
  });

  it('gives up a subscription to a server that is mute', async () => {
    await begin();
    await store('order-1', 1);
    const followed = await follow({ category: 'order' }, 100).untilCaughtUp();
    server.emulator.faults.mute();
    const startedAt = performance.now();

    const failure = await followed.failure();

    expect(failure).to.have.property('code', 'EVENTSTOREDB_UNAVAILABLE');
    expect((failure as Error).message).to.contain('200 ms (readTimeoutMs)');
    expect(performance.now() - startedAt).to.be.below(3_000);
    server.emulator.faults.heal();
    await follow({ category: 'order' }, 100, followed.position).untilCaughtUp();
  });

  it('tells of credentials that are not good enough, and of a server that does not lead', async () => {
    await begin();
    await store('order-1', 1);
    const { faults, port } = server.emulator;
    const group = server.eventstore.persistentSubscription({ stream: 'order-1' }, { group: 'shipping' });
    const failures = async (): Promise<readonly string[]> => {
      const [signal, silenceMs] = [new AbortController().signal, 30_000];
      const following = [follow({ stream: 'order-1' }, silenceMs), follow({ category: 'order' }, silenceMs)].map((one) => one.failure());
      const receiving = group.receive({ signal })[Symbol.asyncIterator]().next();
      const errors = await Promise.all([...following, receiving.catch((error: unknown) => error)]);
      return errors.map((error) => `${(error as { code?: string }).code}: ${(error as Error).message}`);
    };

    faults.denyReads();
    const denied = await failures();
    faults.heal();
    faults.refuseReadsAsNotLeader({ host: '127.0.0.1', port });
    const notLeading = await failures();
    faults.heal();

    for (const failure of denied) expect(failure).to.match(/^EVENTSTOREDB_UNAVAILABLE: .* was denied; check the credentials/);
    for (const failure of notLeading) expect(failure).to.match(/^EVENTSTOREDB_UNAVAILABLE: .* the server does not lead its cluster/);
    expect((await follow({ category: 'order' }).untilCaughtUp()).messages).to.deep.equal(['order-1@0']);
  });

  it('does not count the time that its reader takes', async () => {
    await begin();
    await store('order-1', 2);
    const followed = follow({ stream: 'order-1' }, 50);
    await followed.next();
    server.emulator.faults.mute();

    await sleep(SETTLE_MS);
    server.emulator.faults.heal();

    expect((await followed.untilCaughtUp()).messages).to.deep.equal(['order-1@0', 'order-1@1']);
  });

  it('comes back from being dropped as too slow, with nothing lost or doubled', async () => {
    await begin();
    const seen: string[] = [];
    let drops = 0;
    let after: bigint | undefined;
    const reading = (async () => {
      while (seen.length < 900) {
        const followed = follow({ category: 'order' }, 30_000, after);
        const failure = await followed.until(() => seen.length + followed.messages.length >= 900).catch((error: unknown) => error as Error);
        after = followed.position ?? after;
        seen.push(...followed.messages);
        if (!(failure instanceof Error)) break;
        expect(failure.message).to.contain('too slow');
        drops += 1;
      }
    })();

    for (let nth = 0; nth < 9; nth++) {
      await store('order-1', 100, BigInt(nth * 100));
      await sleep(20);
    }
    await reading;

    expect(seen).to.deep.equal(seen.map((_, nth) => `order-1@${nth}`));
    expect(seen).to.have.length(900);
    expect(drops).to.be.above(0);
  });

  it('has nothing lost or doubled over twenty kills', async () => {
    await begin();
    const seen: string[] = [];
    let after: bigint | undefined;
    let isWritten = false;
    let begun = 0;
    const isAll = (count: number): boolean => isWritten && count === 200;
    const reading = (async () => {
      while (!isAll(seen.length)) {
        const followed = follow({ category: 'order' }, 500, after);
        begun += 1;
        await followed.until(() => isAll(seen.length + followed.messages.length)).catch(() => sleep(5));
        after = followed.position ?? after;
        seen.push(...followed.messages);
      }
    })();

    for (let nth = 0; nth < 20; nth++) {
      await store('order-1', 10, BigInt(nth * 10));
      await eventually('that it follows', async () => (begun > nth ? true : undefined));
      if (nth % 2) await server.emulator.restart();
      else server.emulator.faults.tearConnections();
    }
    isWritten = true;
    await reading;

    expect(begun).to.be.above(10);
    expect(seen).to.deep.equal(Array.from({ length: 200 }, (_, nth) => `order-1@${nth}`));
  });

  it('says of a stream that was deleted for good that it is, and hands out nothing for it', async () => {
    await begin();
    await store('order-1', 1);
    const followed = await follow({ stream: 'order-1' }).untilCaughtUp();

    await server.stranger().tombstoneStream('order-1');

    expect(await followed.failure()).to.include({ code: 'STREAM_TOMBSTONED', stream: 'order-1' });
    expect(followed.position).to.equal(0n);
    expect(await follow({ stream: 'order-1' }).failure()).to.have.property('code', 'STREAM_TOMBSTONED');
  });

  it('goes on over a stream that was deleted, and written again', async () => {
    await begin();
    await store('order-1', 2);
    const followed = await follow({ stream: 'order-1' }).untilCaughtUp();

    await server.stranger().deleteStream('order-1');
    await store('order-1', 1, 2n);

    expect((await followed.until(({ kind }) => kind === 'message')).messages.at(-1)).to.equal('order-1@2');
  });

  it('takes no more than it is asked for, beside a small buffer', async () => {
    await begin();
    const way = await NarrowWay.to(server.emulator.port);
    const eventstore = new EventStoreDB(`esdb://127.0.0.1:${way.port}?tls=false`, QUICK);
    const payload = JSON.stringify({ text: 'x'.repeat(20_000) });
    const messages = Array.from({ length: 1_500 }, (_, nth) => anOutboxMessage('order-1', BigInt(nth), { payload }));
    await deliverAll(server, messages);

    const followed = follow({ category: 'order' }, 50, undefined, eventstore);
    await followed.next();
    const atRest = await eventually('an end of what comes unasked', async () => {
      const before = way.bytesBack;
      await sleep(SETTLE_MS);
      return way.bytesBack === before ? before : undefined;
    });

    expect(atRest).to.be.below(6_000_000); // of 30 million
    await followed.untilMessage(messages.at(-1)!.id);
    expect(followed.messages).to.have.length(1_500);
    expect(way.bytesBack).to.be.above(30_000_000);
    await eventstore.close();
    await way.close();
  });

  it('ends when the connection is closed', async () => {
    await begin();
    const followed = await follow({ stream: 'order-1' }).untilCaughtUp();

    const failure = followed.failure();
    await server.eventstore.close();

    expect(await failure).to.have.property('code', 'EVENTSTOREDB_UNAVAILABLE');
  });
});
