import { expect } from 'chai';
import { OutboxHistory, UnitOfWork } from '@waybill/core';
import type { Dispatcher, DispatcherEvents, DispatcherOptions, InboxClaim, Receipt, RouteOptions, StoredAttempt } from '@waybill/core';
import { stopDispatchers } from '../shop/dispatching.js';
import { failureOf } from '../shop/failure-of.js';
import { MoodySink, says } from '../shop/moody-sink.js';
import { OrderDesk } from '../shop/order-desk.js';
import { Order, orderEvents } from '../shop/order.js';

const A_MINUTE_MS = 60_000;
const AN_HOUR_MS = 60 * A_MINUTE_MS;
const A_DAY_MS = 24 * AN_HOUR_MS;

describe('what an outbox keeps', () => {
  let desk: OrderDesk;

  beforeEach(() => (desk = new OrderDesk()));
  stopDispatchers();

  /** Looks seldom, so that days pass quickly. */
  const keeping = (options: Partial<DispatcherOptions>, route: Partial<RouteOptions> = {}): Promise<Dispatcher<'memory'>> =>
    desk.started(route, { pollMs: A_MINUTE_MS, leaseMs: AN_HOUR_MS, reportEveryMs: AN_HOUR_MS, ...options });
  const revisionsKept = async (id: string): Promise<readonly bigint[]> =>
    (await desk.database.status.messages({ stream: `order-${id}` })).map(({ revision }) => revision);

  describe('of claims', () => {
    const claim = (messageId: string, ...lane: readonly NonNullable<InboxClaim['lane']>[]): Promise<boolean> =>
      desk.database.transactions.run((tx) => {
        const firstAttemptAt = desk.clock.now();
        const pair = { handler: 'send-receipt', messageId, source: 'handlers', firstAttemptAt, ...(lane[0] && { lane: lane[0] }) };
        return desk.database.inbox.claim(pair, tx);
      });
    const isKept = (messageId: string): Promise<boolean> => desk.database.inbox.claimed('send-receipt', messageId);
    /** A claim that a handler of the route would have made when it got the first of these messages. */
    async function claimOf({ messages }: Receipt): Promise<string> {
      const lane = (await desk.database.status.progress('memory', messages))[0]!.lane!;
      const { epoch } = (await desk.database.status.lanes()).find((one) => one.lane === lane)!;
      await claim(messages[0]!.id, { route: 'memory', lane, epoch });
      return messages[0]!.id;
    }

    it('is everything, unless it is told for how long', async () => {
      await keeping({});
      await claim('arrived');
      const own = await claimOf(await desk.note('7', 'a'));

      await desk.clock.pass(10 * A_DAY_MS);

      expect([await isKept('arrived'), await isKept(own)]).to.deep.equal([true, true]);
    });

    it('goes with the message that it is of; what arrived is remembered', async () => {
      const dispatcher = await keeping({ keepMessagesMs: AN_HOUR_MS });
      const removed: DispatcherEvents['removed'][] = [];
      dispatcher.on('removed', (event) => removed.push(event));
      await claim('arrived');
      const own = await claimOf(await desk.note('7', 'a'));
      await desk.clock.pass(59 * A_MINUTE_MS);
      const before = await isKept(own);

      await desk.clock.pass(3 * A_MINUTE_MS);

      expect([before, await isKept(own), await isKept('arrived')]).to.deep.equal([true, false, true]);
      expect(removed).to.deep.equal([{ messages: 1, historyLines: 0, claims: 1 }]);
    });

    it('is of what arrived for as long as it is told, and of what the outbox has until that is gone', async () => {
      await keeping({ keepClaimsMs: AN_HOUR_MS });
      await claim('arrived');
      const own = await claimOf(await desk.note('7', 'a'));
      await desk.clock.pass(59 * A_MINUTE_MS);
      const before = await isKept('arrived');

      await desk.clock.pass(3 * A_MINUTE_MS);

      expect([before, await isKept('arrived'), await isKept(own)]).to.deep.equal([true, false, true]);
    });
  });

  describe('of messages', () => {
    it('is everything, unless it is told for how long', async () => {
      await keeping({});
      await desk.note('7', 'a');

      await desk.clock.pass(10 * A_DAY_MS);

      expect(await revisionsKept('7')).to.deep.equal([0n]);
    });

    it('goes when it is delivered and old enough, which is told', async () => {
      const dispatcher = await keeping({ keepMessagesMs: AN_HOUR_MS, keepHistoryMs: Infinity });
      const removed: DispatcherEvents['removed'][] = [];
      dispatcher.on('removed', (event) => removed.push(event));
      await desk.note('7', 'a', 'b');
      await desk.clock.pass(59 * A_MINUTE_MS);
      await desk.note('7', 'c');
      expect(await revisionsKept('7')).to.deep.equal([0n, 1n, 2n]);

      await desk.clock.pass(3 * A_MINUTE_MS);

      expect(await revisionsKept('7')).to.deep.equal([2n]);
      expect(removed).to.deep.equal([{ messages: 2, historyLines: 0, claims: 0 }]);
    });

    it('goes chunk by chunk, all of it in one round', async () => {
      const dispatcher = await keeping({ keepMessagesMs: AN_HOUR_MS });
      const removed: number[] = [];
      dispatcher.on('removed', ({ messages }) => removed.push(messages));
      for (let nth = 0; nth < 5; nth++) await desk.note(String(nth), ...Array.from({ length: 450 }, (_, text) => `${text}`));

      await desk.clock.pass(AN_HOUR_MS + 2 * A_MINUTE_MS);

      expect(removed).to.deep.equal([2_250]);
    });

    it('stays while a route has not passed it, or has its stream stopped', async () => {
      desk.sink.feel((message) => (says('bad')(message) ? 'refuse-for-good' : 'accept'));
      await keeping({ keepMessagesMs: AN_HOUR_MS }, { onFailure: 'park-stream' });
      await desk.note('poor', 'good', 'bad', 'behind');
      await desk.note('other', 'a');
      await desk.clock.pass(A_DAY_MS);
      expect(await revisionsKept('poor')).to.deep.equal([1n, 2n]);
      expect(await revisionsKept('other')).to.deep.equal([]);

      desk.sink.feel(() => 'away');
      await desk.note('late', 'a');
      await desk.clock.pass(A_DAY_MS);

      expect(await revisionsKept('late')).to.deep.equal([0n]);
    });

    it('is held back by a route that nobody runs any more, until it is retired', async () => {
      const old = desk.dispatcherOf({ old: { sink: new MoodySink() } });
      await old.start();
      await old.stop();
      const dispatcher = await keeping({ keepMessagesMs: AN_HOUR_MS });
      await desk.note('7', 'a');
      await desk.clock.pass(A_DAY_MS);
      expect(new Set(await revisionsKept('7'))).to.deep.equal(new Set([0n]));

      await dispatcher.retireRoute('old');
      await desk.clock.pass(A_DAY_MS);

      expect(await revisionsKept('7')).to.deep.equal([]);
    });

    it('is delivered, for who waits for a receipt of what was removed', async () => {
      const dispatcher = await keeping({ keepMessagesMs: AN_HOUR_MS });
      const receipt = await desk.note('7', 'a');
      await desk.clock.pass(A_DAY_MS);
      expect(await revisionsKept('7')).to.deep.equal([]);

      expect(await dispatcher.delivered(receipt, 'memory')).to.equal('delivered');
    });

    it('goes, and new messages of the same stream still come, in order', async () => {
      await keeping({ keepMessagesMs: AN_HOUR_MS });
      await desk.note('7', 'a', 'b');
      await desk.clock.pass(A_DAY_MS);
      const onTop = new UnitOfWork({ database: desk.database, catalogue: orderEvents, clock: desk.clock, history: desk.sink.kept.history });

      const { messages } = await onTop.run(async ({ load }) => (await load(Order, '7')).note('c'));
      await desk.clock.pass(A_MINUTE_MS);

      expect(messages.map(({ revision }) => revision)).to.deep.equal([2n]);
      expect(desk.sink.revisionsOf('7')).to.deep.equal([0n, 1n, 2n]);
    });

    it('lets no new route begin at the beginning, once something was removed', async () => {
      const dispatcher = await keeping({ keepMessagesMs: AN_HOUR_MS });
      await desk.note('7', 'a');
      await desk.clock.pass(A_DAY_MS);
      await dispatcher.stop();
      const late = (route: Partial<RouteOptions>): Dispatcher<'late'> => desk.dispatcherOf({ late: { sink: new MoodySink(), ...route } });

      const error = await failureOf('ROUTE_REFUSED', () => late({ start: 'beginning' }).start());
      const whole = await failureOf('ROUTE_REFUSED', () => late({ sink: new MoodySink({ needsWholeStreams: true }) }).start());
      await late({ start: 'now' }).start();

      expect(error).to.include({ route: 'late' });
      expect(error.message).to.include('which was removed from the outbox (keepMessagesMs)').and.include('use start: "now"');
      expect(whole.message).to.include('fill the target from elsewhere');
    });

    for (const [what, history] of [
      ['which is the only history', undefined],
      ['which somebody promised to keep', new OutboxHistory({ retention: 'keep' })],
    ] as const) {
      it(`${what}, is missed loudly: no aggregate is loaded without a part of its past`, async () => {
        await keeping({ keepMessagesMs: AN_HOUR_MS });
        const alone = new UnitOfWork({ database: desk.database, catalogue: orderEvents, clock: desk.clock, ...(history && { history }) });
        await desk.note('7', 'a', 'b');
        await desk.clock.pass(AN_HOUR_MS);
        await desk.note('7', 'c');
        await desk.clock.pass(3 * A_MINUTE_MS);
        expect(await revisionsKept('7')).to.deep.equal([2n]);

        const error = await failureOf('STREAM_GAP', () => alone.run(async ({ load }) => load(Order, '7')));
        await desk.clock.pass(A_DAY_MS);
        await failureOf('STREAM_GAP', () => alone.run(async ({ find }) => find(Order, '7')));

        expect(error).to.include({ stream: 'order-7', missingRevision: 0n, headRevision: 2n });
        expect(error.message).to.include('there is no other history').and.include('keepMessagesMs');
      });
    }
  });

  describe('of what was tried', () => {
    const linesOf = async (receipt: Receipt, nth = 0): Promise<readonly StoredAttempt[]> =>
      [...(await desk.database.status.attempts({ messageId: receipt.messages[nth]!.id }))].reverse();
    const outcomesOf = async (receipt: Receipt, nth = 0): Promise<readonly string[]> =>
      (await linesOf(receipt, nth)).map(({ outcome }) => outcome);

    it('is one line for a batch that was delivered, with when, by whom, and what the target answered', async () => {
      const answering = Object.assign(desk.sink, {
        deliver: async (batch: readonly unknown[]) => ({ accepted: batch.length, answer: '201 Created' }),
      });
      await desk.started({ sink: answering }, { instance: 'host-1' });
      await desk.clock.pass(1_000);

      const receipt = await desk.note('7', 'a', 'b', 'c');
      await desk.clock.pass(10);

      const line = { route: 'memory', lane: 0, instance: 'host-1', outcome: 'delivered', batchSize: 3, detail: '201 Created' };
      expect(await linesOf(receipt, 1)).to.have.length(1);
      expect((await linesOf(receipt, 1))[0]).to.deep.include(line);
      expect((await linesOf(receipt, 1))[0]!.startedAt.getTime()).to.be.within(desk.clock.now().getTime() - 11, desk.clock.now().getTime());
      expect(await linesOf(receipt, 2)).to.deep.equal(await linesOf(receipt, 1));
    });

    it('names refusals and outages, with why, and says of what was accepted before them that it was', async () => {
      let mood: 'refuse' | 'away' | 'accept' = 'refuse';
      desk.sink.feel((message) => (says('bad')(message) ? mood : 'accept'));
      await desk.started();
      const receipt = await desk.note('7', 'good', 'bad');
      await desk.clock.pass(10);
      mood = 'away';
      await desk.clock.pass(1_000);
      mood = 'accept';
      await desk.clock.pass(4_000);

      expect(await outcomesOf(receipt, 0)).to.deep.equal(['delivered']);
      expect(await outcomesOf(receipt, 1)).to.deep.equal(['rejected', 'unavailable', 'delivered']);
      const [refused, away] = await linesOf(receipt, 1);
      expect(refused).to.deep.include({ batchSize: 1 });
      expect(refused!.detail).to.include('it is bad');
      expect(away!.detail).to.include('there is nobody');
    });

    it('names skips and discards, with the reason', async () => {
      desk.sink.feel((message) => (says('bad')(message) ? 'refuse-for-good' : 'accept'));
      const dispatcher = await desk.started({ onFailure: 'park-stream' });
      const receipt = await desk.note('7', 'bad');
      await desk.clock.pass(10);
      await dispatcher.skip('memory', receipt.messages[0]!.id, 'withdrawn');
      await desk.clock.pass(10);
      await dispatcher.stop();
      await desk.started({ onFailure: 'discard' });
      const other = await desk.note('8', 'bad', 'behind');
      await desk.clock.pass(10);

      expect(await outcomesOf(receipt)).to.deep.equal(['rejected', 'skipped']);
      expect((await linesOf(receipt))[1]!.detail).to.equal('withdrawn');
      expect(await outcomesOf(other)).to.deep.equal(['rejected', 'discarded']);
      expect(await outcomesOf(other, 1)).to.deep.equal(['delivered']);
      const [status] = await desk.database.status.messages({ messageId: other.messages[0]!.id });
      expect(status).to.include({ status: 'DONE', failCount: 1 });
      expect(status!.processedAt).to.be.instanceOf(Date);
    });

    it('is kept for so long, and told when it goes; the message stays', async () => {
      const dispatcher = await keeping({ keepHistoryMs: AN_HOUR_MS });
      const removed: DispatcherEvents['removed'][] = [];
      dispatcher.on('removed', (event) => removed.push(event));
      const receipt = await desk.note('7', 'a');
      await desk.clock.pass(59 * A_MINUTE_MS);
      expect(await outcomesOf(receipt)).to.deep.equal(['delivered']);

      await desk.clock.pass(3 * A_MINUTE_MS);

      expect(await outcomesOf(receipt)).to.deep.equal([]);
      expect(removed).to.deep.equal([{ messages: 0, historyLines: 1, claims: 0 }]);
      expect(await revisionsKept('7')).to.deep.equal([0n]);
    });

    it('is a week by default', async () => {
      await keeping({});
      const receipt = await desk.note('7', 'a');
      await desk.clock.pass(7 * A_DAY_MS - A_MINUTE_MS);
      expect(await outcomesOf(receipt)).to.deep.equal(['delivered']);

      await desk.clock.pass(3 * A_MINUTE_MS);

      expect(await outcomesOf(receipt)).to.deep.equal([]);
    });

    it('is nothing where it is switched off with 0', async () => {
      desk.sink.feel((message) => (says('bad')(message) ? 'refuse' : 'accept'));
      const dispatcher = await desk.started({ onFailure: 'discard' }, { keepHistoryMs: 0 });
      const receipt = await desk.note('7', 'good', 'bad', 'behind');

      await desk.clock.pass(5_000);

      for (const nth of [0, 1, 2]) expect(await outcomesOf(receipt, nth)).to.deep.equal([]);
      expect(await dispatcher.delivered(receipt, 'memory')).to.equal('skipped');
    });
  });
});
