import { expect } from 'chai';
import { ConcurrencyError, DatabaseUnavailableError, MessageRejectedError, SinkUnavailableError } from '@waybill/core';
import type { Database, Delivery, Reply, Sink, StoredMessage } from '@waybill/core';
import type { InMemoryTx } from '@waybill/core/in-memory';
import { CrashPoints } from '@waybill/testing';
import { Answered, answeredEvents, AnsweringSink } from '../shop/answering-sink.js';
import { stopDispatchers } from '../shop/dispatching.js';
import { placeOf, says } from '../shop/moody-sink.js';
import { OrderDesk } from '../shop/order-desk.js';
import { ChargeCard, Order } from '../shop/order.js';

const ORDERS = { streams: ['order-'] };

describe('a message that an answer became', () => {
  let sink: AnsweringSink;
  let desk: OrderDesk;

  beforeEach(() => {
    sink = new AnsweringSink();
    desk = new OrderDesk({ sink, catalogue: answeredEvents });
  });
  stopDispatchers();

  const started: OrderDesk['started'] = (route, options) => desk.started({ ...ORDERS, ...route }, options);
  const stored = async (stream = 'key-answers'): Promise<readonly StoredMessage[]> =>
    (await desk.database.transactions.run((tx) => desk.database.outbox.headAndTail(stream, 0n, tx))).tail;
  /** What was answered, and which of the message's answers it is that was kept. */
  const kept = async (): Promise<readonly string[]> =>
    (await stored()).map(({ payload }) => {
      const { to, nth } = JSON.parse(payload) as { to: string; nth: number };
      return nth === 1 ? to : `${to}, answer ${nth}`;
    });
  const answering = (replies: readonly Reply[]): Sink => ({ deliver: async (batch) => ({ accepted: batch.length, replies }) });
  /** The database, but the first settlement with a reply in it goes wrong. */
  const lossy = (lose: (settle: () => Promise<void>) => Promise<void>): Database<InMemoryTx> => {
    let isLost = false;
    const settle: Database['lanes']['settle'] = (lease, settlement) => {
      const store = (): Promise<void> => desk.database.lanes.settle(lease, settlement);
      if (!settlement.replies?.length || isLost) return store();
      isLost = true;
      return lose(store);
    };
    const lanes = Object.create(desk.database.lanes, { settle: { value: settle } }) as Database['lanes'];
    return Object.create(desk.database, { lanes: { value: lanes } }) as Database<InMemoryTx>;
  };

  it('is in the stream of its ordering key, of the conversation of the message that was answered, and caused by it', async () => {
    const { messages } = await desk.note('one', 'a');
    await started();

    const [reply] = await stored();

    expect(reply).to.deep.include({
      type: 'Answered',
      kind: 'event',
      stream: 'key-answers',
      revision: 0n,
      schemaVersion: 1,
      codec: 'json',
    });
    expect(JSON.parse(reply!.payload)).to.deep.equal({ to: 'one@0', nth: 1 });
    expect(reply!.metadata.causationId).to.equal(messages[0]!.id);
  });

  it('carries correlation and trace on, and no other metadata', async () => {
    const metadata = { traceparent: '00-a-b-01', tenant: 't-1' };
    const work = { correlationId: 'c-1', metadata };
    const { messages } = await desk.unitOfWork.run(async ({ track }) => void track(Order.placed('7')), work);
    await started();

    expect((await stored())[0]!.metadata).to.deep.equal({
      ...{ correlationId: 'c-1', causationId: messages[0]!.id, traceparent: '00-a-b-01' },
    });
  });

  it('may be a command, which goes to the stream of the commands of its key', async () => {
    const orders = answering([{ to: 0, orderingKey: '7', message: ChargeCard({ orderId: '7', totalCents: 1 }) }]);
    const charges = new AnsweringSink();
    await desk.note('one', 'a');
    const dispatcher = desk.dispatcherOf(
      {
        orders: { sink: orders, start: 'beginning', ...ORDERS },
        charges: { sink: charges, start: 'beginning', only: [ChargeCard] },
      },
      { catalogue: [...answeredEvents, ChargeCard] },
    );

    await dispatcher.start();
    await desk.clock.pass(10);

    expect(charges.accepted).to.deep.equal(['command-7@0']);
  });

  it('is delivered at once, in order, by the dispatcher that committed it', async () => {
    const reader = new AnsweringSink();
    reader.answer(() => []);
    const dispatcher = desk.dispatcherOf(
      { orders: { sink, start: 'beginning', ...ORDERS }, answers: { sink: reader, start: 'beginning', only: [Answered] } },
      { pollMs: 60_000 },
    );
    await dispatcher.start();
    await desk.clock.pass(10);

    await desk.note('one', 'a', 'b');
    await desk.note('two', 'c');
    await desk.clock.pass(10);

    expect(reader.kept.delivered.map(({ data }) => (data as { to: string }).to)).to.deep.equal(['one@0', 'one@1', 'two@0']);
  });

  it('has an id of its own, of its message and its route', async () => {
    const twice = (batch: number): readonly Reply[] =>
      Array.from({ length: batch * 2 }, (_, nth) => ({
        to: nth >> 1,
        orderingKey: 'answers',
        message: Answered({ to: String(nth), nth }),
      }));
    sink.answer(({ length }) => twice(length));
    await desk.note('one', 'a', 'b');
    const dispatcher = desk.dispatcherOf({
      first: { sink, start: 'beginning', ...ORDERS },
      second: { sink, start: 'beginning', ...ORDERS },
    });

    await dispatcher.start();
    await desk.clock.pass(10);

    const ids = (await stored()).map(({ id }) => id);
    expect(ids).to.have.length(8);
    expect(new Set(ids)).to.have.property('size', 8);
  });

  describe('is there once, whatever happens between answer and settlement:', () => {
    beforeEach(() => desk.note('one', 'a', 'b'));

    it('a crash before it is settled: the target is asked again, and its second answer counts', async () => {
      const crash = new CrashPoints();
      crash.throwAt('delivered');

      await started({}, { reached: crash.reached });
      await desk.clock.pass(10_000);

      expect(await kept()).to.deep.equal(['one@0, answer 2', 'one@1, answer 2']);
    });

    it('a crash right after it is settled', async () => {
      const crash = new CrashPoints();
      crash.throwAt('settled');

      await started({}, { reached: crash.reached });
      await desk.clock.pass(10_000);

      expect(await kept()).to.deep.equal(['one@0', 'one@1']);
    });

    it('the answer of the database is lost', async () => {
      const database = lossy(async (settle) => {
        await settle();
        throw new DatabaseUnavailableError('the connection is gone');
      });

      const dispatcher = await started({}, { database });
      await desk.clock.pass(10_000);

      expect(await kept()).to.deep.equal(['one@0', 'one@1']);
      expect(await dispatcher.lanes()).to.deep.include.members([{ ...(await dispatcher.lanes())[0]!, pending: 0 }]);
    });

    it('the question to the database is lost', async () => {
      const database = lossy(() => Promise.reject(new DatabaseUnavailableError('the connection is gone')));

      await started({}, { database });
      await desk.clock.pass(10_000);

      expect((await kept()).map((answer) => answer.split(',')[0])).to.deep.equal(['one@0', 'one@1']);
    });

    it('its stream has moved', async () => {
      const database = lossy(() => Promise.reject(new ConcurrencyError('key-answers', undefined, undefined)));

      await started({}, { database });
      await desk.clock.pass(10_000);

      expect((await kept()).map((answer) => answer.split(',')[0])).to.deep.equal(['one@0', 'one@1']);
    });
  });

  describe('is dropped where its message does not count as accepted, and comes with the answer that does:', () => {
    it('behind a failure of the sink', async () => {
      sink.feel((message) => (says('bad')(message) ? 'away' : 'accept'));
      await desk.note('one', 'a', 'bad', 'c');
      await started();
      const before = await kept();

      sink.feel(() => 'accept');
      await desk.clock.pass(60_000);

      expect(before).to.deep.equal(['one@0']);
      expect((await kept()).map((answer) => answer.split(',')[0])).to.deep.equal(['one@0', 'one@1', 'one@2']);
      expect((await kept())[1]).to.include('answer');
    });

    it('at a message that halts its lane', async () => {
      sink.feel((message) => (says('bad')(message) ? 'refuse-for-good' : 'accept'));
      await desk.note('one', 'a', 'bad', 'c');
      const dispatcher = await started();
      const before = await kept();

      sink.feel(() => 'accept');
      await dispatcher.resume('memory');
      await desk.clock.pass(1_000);

      expect(before).to.deep.equal(['one@0']);
      expect(await kept()).to.deep.equal(['one@0', 'one@1, answer 2', 'one@2, answer 2']);
    });

    it('beyond the failed one, where the target took it already', async () => {
      const beyond: Sink = {
        deliver: async (batch): Promise<Delivery> => {
          const replies = batch.map((message, to) => ({ to, orderingKey: 'answers', message: Answered({ to: placeOf(message), nth: 1 }) }));
          const bad = batch.findIndex(says('bad'));
          if (bad < 0) return { accepted: batch.length, replies };
          const { id, stream, revision } = batch[bad]!;
          const failure = new MessageRejectedError(id, stream, revision, 'bad', { final: true });
          return { accepted: bad, acceptedBeyond: [...batch.keys()].slice(bad + 1), failure, replies };
        },
      };
      await desk.note('one', 'a', 'bad');
      await desk.note('two', 'beyond');

      const dispatcher = await started({ sink: beyond });
      const before = await kept();
      await dispatcher.skip('memory', (await dispatcher.lanes())[0]!.failure!.messageId, 'withdrawn');
      await desk.clock.pass(1_000);

      expect(before).to.deep.equal(['one@0']);
      expect(await kept()).to.deep.equal(['one@0', 'two@0']);
    });
  });

  describe('that cannot be stored is the mistake of its sink: nothing was accepted, and it is said why', () => {
    const fine = Answered({ to: 'a', nth: 1 });
    const wrong: readonly (readonly [what: string, reply: Reply, why: string])[] = [
      ['its type is not in the catalogue', { to: 0, orderingKey: 'k', message: ChargeCard({ orderId: '1', totalCents: 1 }) }, 'ChargeCard'],
      ['it is to a message behind the batch', { to: 2, orderingKey: 'k', message: fine }, 'message 2 of a batch of 2'],
      ['it is to a message before the batch', { to: -1, orderingKey: 'k', message: fine }, 'message -1 of a batch of 2'],
      ['it is to half a message', { to: 0.5, orderingKey: 'k', message: fine }, 'message 0.5 of a batch of 2'],
      ['it has no ordering key', { to: 0, orderingKey: '', message: fine }, 'choose an ordering key'],
      ['its payload does not fit', { to: 0, orderingKey: 'k', message: { ...fine, data: { to: 7 } } }, 'Answered'],
      ['its payload is too large', { to: 0, orderingKey: 'k', message: Answered({ to: 'x'.repeat(1_000_001), nth: 1 }) }, '1000000'],
      ['it is nothing', undefined as unknown as Reply, 'reply'],
    ];
    for (const [what, reply, why] of wrong) {
      it(what, async () => {
        sink.answer((batch) => (batch.length === 0 ? [] : [reply]));
        await desk.note('one', 'a', 'b');
        const dispatcher = await started();

        const [lane] = await dispatcher.lanes();
        sink.answer(() => []);
        await desk.clock.pass(60_000);

        expect(lane).to.deep.include({ state: 'waiting', pending: 2 });
        expect(lane!.failure).to.include({ code: 'SINK_UNAVAILABLE', attempts: 0 });
        expect(lane!.failure!.error).to.include('a reply of the sink cannot be stored').and.to.include(why);
        expect((await dispatcher.lanes())[0]).to.include({ state: 'running', pending: 0 });
      });
    }

    it('also where it is to a message that was not accepted', async () => {
      const failing: Sink = {
        deliver: async () => ({
          accepted: 0,
          failure: new SinkUnavailableError('away'),
          replies: [{ to: 9, orderingKey: 'k', message: fine }],
        }),
      };
      await desk.note('one', 'a');

      const dispatcher = await started({ sink: failing });

      expect((await dispatcher.lanes())[0]!.failure!.error).to.include('message 9 of a batch of 1');
    });
  });
});
