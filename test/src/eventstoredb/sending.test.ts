import { setTimeout as sleep } from 'node:timers/promises';
import { anOutboxMessage, eventually, messagesOf, SETTLE_MS } from '@waybill/testing';
import { expect } from 'chai';
import { emulated, idsOf, inTurns } from './emulated.js';
import type { Emulated, EmulatedOptions } from './emulated.js';

/** Longer than the tests look at what is stored, so that a single lost answer holds up what comes behind it. */
const LATE_MS = 500;

describe('EventStoreDB sink: what it sends', () => {
  let server: Emulated;
  const open = async (options?: EmulatedOptions): Promise<Emulated> => (server = await emulated(options));
  afterEach(() => server.close());

  const allStoredIds = (): readonly string[] => [...server.emulator.readAll()].map(({ id }) => id);
  /** What is stored once no more comes. */
  async function storedAtRest(): Promise<readonly string[]> {
    return eventually('a rest', async () => {
      const before = allStoredIds();
      await sleep(SETTLE_MS);
      return before.length > 0 && before.length === allStoredIds().length ? before : undefined;
    });
  }
  const streams = (count: number): readonly string[] => Array.from({ length: count }, (_, nth) => `order-${nth}`);

  it('stores the first append of a connection first, and so after each reconnect', async () => {
    await open();
    const first = streams(30).map((stream) => anOutboxMessage(stream, 0n));
    const second = streams(30).map((stream) => anOutboxMessage(stream, 1n));

    await server.deliver(first);
    server.emulator.faults.tearConnections();
    await sleep(20);
    await server.deliver(second);

    expect(allStoredIds()).to.deep.equal(idsOf([...first, ...second]));
  });

  it('sends the first append of a connection alone, and the rest when it is answered', async () => {
    await open();
    server.emulator.faults.delayAcknowledgements(LATE_MS);
    const batch = streams(10).map((stream) => anOutboxMessage(stream, 0n));

    const delivering = server.deliver(batch);

    expect(await storedAtRest()).to.deep.equal(idsOf(batch.slice(0, 1)));
    server.emulator.faults.heal();
    expect(await delivering).to.include({ accepted: 10 });
  });

  it('has no more appends under way than it may, over all lanes', async () => {
    await open({ eventstore: { maxAppendsInFlight: 5 } });
    await server.deliver([anOutboxMessage('warm-up', 0n)]);
    server.emulator.faults.delayAcknowledgements(LATE_MS);

    const delivering = [0, 1, 2].map((lane) =>
      server.deliver(
        streams(10).map((stream) => anOutboxMessage(`${lane}-${stream}`, 0n)),
        { lane },
      ),
    );
    await eventually('the appends', async () => (allStoredIds().length > 1 ? true : undefined));

    expect(await storedAtRest()).to.have.length(1 + 5);
    server.emulator.faults.heal();
    for (const { accepted } of await Promise.all(delivering)) expect(accepted).to.equal(10);
  });

  it('keeps many appends under way, those of one stream chained by their revisions', async () => {
    await open({ emulator: { commitDelayMs: 50 }, eventstore: { maxEventsPerAppend: 1 } });
    const batch = inTurns(...streams(6).map((stream) => messagesOf(stream, 10)));
    const startedAt = performance.now();

    expect(await server.deliver(batch)).to.include({ accepted: 60 });

    expect(performance.now() - startedAt).to.be.below((60 * 50) / 2);
    expect(allStoredIds()).to.deep.equal(idsOf(batch));
  });

  it('puts so many events of a stream into one append as it may', async () => {
    await open({ eventstore: { maxEventsPerAppend: 7, appendTimeoutMs: LATE_MS } });
    const batch = messagesOf('order-1', 20);
    server.emulator.faults.storeWithoutAcknowledging();

    const delivering = server.deliver(batch);

    expect(await storedAtRest()).to.deep.equal(idsOf(batch.slice(0, 7)));
    expect(await delivering).to.include({ accepted: 20 });
    expect(server.storedIds('order-1')).to.deep.equal(idsOf(batch));
  });

  it('fills an append to 80 % of the limit, as newer servers count', async () => {
    await open({
      emulator: { version: '24.10', maxAppendBytes: 10_000 },
      eventstore: { maxAppendBytes: 10_000, appendTimeoutMs: LATE_MS },
    });
    const batch = messagesOf('order-1', 30).map(({ revision }) =>
      anOutboxMessage('order-1', revision, { payload: JSON.stringify('x'.repeat(700)) }),
    );
    server.emulator.faults.storeWithoutAcknowledging();

    const delivering = server.deliver(batch);
    await storedAtRest();

    const bytes = server.emulator
      .read('order-1')
      .reduce((sum, { data, metadata, type }) => sum + data.length + metadata.length + 2 * type.length, 0);
    expect(bytes).to.be.within(7_000, 8_000);
    expect(await delivering).to.include({ accepted: 30 });
  });

  it('finds the event that fits into no append, and stops only its stream there', async () => {
    await open({ emulator: { maxAppendBytes: 5_000 } });
    const good = messagesOf('order-1', 4);
    const bad = [0n, 1n, 2n].map((revision) =>
      anOutboxMessage('order-2', revision, { payload: JSON.stringify('x'.repeat(revision === 1n ? 6_000 : 10)) }),
    );

    const { accepted, acceptedBeyond, failure } = await server.deliver(inTurns(bad, good));

    expect(accepted).to.equal(2);
    expect(acceptedBeyond).to.deep.equal([3, 5, 6]);
    expect(failure).to.include({ code: 'MESSAGE_REJECTED', messageId: bad[1]!.id, final: true });
    expect(failure!.message).to.contain('5000');
    expect(server.storedIds('order-2')).to.deep.equal([bad[0]!.id]);
    expect(server.storedIds('order-1')).to.deep.equal(idsOf(good));
  });

  it('keeps from the wire what no server takes or what would be stored changed', async () => {
    await open();
    const overLimit = JSON.stringify('x'.repeat(1_048_576));
    const defects = [
      { id: '00000000-0000-0000-0000-000000000000' },
      { id: 'order-1' },
      { type: '' },
      { payload: '{"a":undefined}' },
      { payload: '' },
      { payload: '"\ud800"' },
      { type: 'Placed\udfff' },
      { payload: overLimit },
      { metadata: { correlationId: 'c', large: 'x'.repeat(16 * 1024 * 1024) } },
    ];

    for (const [nth, defect] of defects.entries()) {
      const stream = `bad-${nth}`;
      const batch = [
        anOutboxMessage(stream, 0n),
        anOutboxMessage(stream, 1n, defect),
        anOutboxMessage(stream, 2n),
        anOutboxMessage(`good-${nth}`, 0n),
      ];
      const { accepted, acceptedBeyond, failure } = await server.deliver(batch);

      expect({ accepted, acceptedBeyond }, Object.keys(defect)[0]).to.deep.equal({ accepted: 1, acceptedBeyond: [3] });
      expect(failure).to.include({ code: 'MESSAGE_REJECTED', messageId: batch[1]!.id, stream, revision: 1n, final: true });
      expect(server.storedIds(stream)).to.deep.equal([batch[0]!.id]);
    }
  });
});
