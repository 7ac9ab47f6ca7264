import { expect } from 'chai';
import { MessageRejectedError, OutcomeUnknownError, SinkUnavailableError } from '@waybill/core';
import type { Delivery, DeliveryContext, OutboxMessage, Sink } from '@waybill/core';
import { stopDispatchers } from '../shop/dispatching.js';
import { placeOf, says } from '../shop/moody-sink.js';
import { OrderDesk } from '../shop/order-desk.js';
import { Till } from '../shop/till.js';

const HALF_AN_HOUR_MS = 30 * 60_000;

describe('an outcome that nobody knows', () => {
  let desk: OrderDesk;

  beforeEach(() => (desk = new OrderDesk()));
  stopDispatchers();

  const hangsAt = (text: string) => (message: OutboxMessage) => (says(text)(message) ? 'hangs' : 'answers');

  describe('and that only a person can find out', () => {
    let till: Till;
    beforeEach(() => (till = new Till('halt')));

    it('halts its lane at once, with nothing sent behind it, and says so wherever one looks', async () => {
      till.feel(hangsAt('dear'));
      const dispatcher = await desk.started({ sink: till });
      const told = desk.listenTo(dispatcher);
      const receipt = await desk.note('7', 'cheap', 'dear', 'behind');
      const { id } = receipt.messages[1]!;

      await desk.clock.pass(HALF_AN_HOUR_MS);

      expect(till.calls).to.deep.equal(['7@0', '7@1']);
      const [lane] = await dispatcher.lanes();
      expect(lane).to.include({ state: 'halted', pending: 2 });
      expect(lane!.failure).to.include({ messageId: id, code: 'OUTCOME_UNKNOWN', attempts: 1 });
      expect(told.find(({ name }) => name === 'halted')!.event).to.deep.include({ attempts: 1 });
      expect((await dispatcher.attempts({ messageId: id })).map(({ outcome }) => outcome)).to.deep.equal(['unknown']);
      const [line] = await dispatcher.messages({ messageId: id });
      expect(line).to.include({ status: 'FAILED', failCount: 1 });
      expect(line!.error).to.include('Nobody knows whether the till has done');
      expect((await dispatcher.snapshot()).routes[0]).to.include({ halted: 1, pending: 2 });
    });

    it('is sent again once a person says so, without a doubt', async () => {
      till.feel(() => 'lost');
      const dispatcher = await desk.started({ sink: till });
      await desk.note('7', 'a', 'b');
      await desk.clock.pass(1_000);
      till.feel(() => 'answers');

      await dispatcher.resume('memory', 0);
      await desk.clock.pass(1_000);

      expect(till.calls).to.deep.equal(['7@0', '7@0', '7@1']);
      expect(till.charged).to.deep.equal(['7@0', '7@1']);
    });

    it('is passed by where a person has found that it was done', async () => {
      till.feel(hangsAt('dear'));
      const dispatcher = await desk.started({ sink: till });
      const receipt = await desk.note('7', 'dear', 'behind');
      await desk.clock.pass(1_000);

      await dispatcher.skip('memory', receipt.messages[0]!.id, 'it is on the statement');
      await desk.clock.pass(1_000);

      expect(till.charged).to.deep.equal(['7@0', '7@1']);
      expect((await dispatcher.lanes())[0]).to.include({ state: 'running', pending: 0, failure: undefined });
    });

    it('sets its stream alone aside where the route parks, and is sent again when it is redriven by its code', async () => {
      till.feel((message) => (says('dear')(message) ? 'lost' : 'answers'));
      const dispatcher = await desk.started({ sink: till, onFailure: 'park-stream' });
      await desk.note('7', 'dear', 'behind');
      await desk.note('8', 'a');
      await desk.clock.pass(HALF_AN_HOUR_MS);
      expect(till.charged).to.deep.equal(['8@0']);
      expect((await dispatcher.stopped('memory')).map(({ state, failure: { code } }) => [state, code])).to.deep.equal([
        ['parked', 'OUTCOME_UNKNOWN'],
      ]);
      till.feel(() => 'answers');

      expect(await dispatcher.redrive('memory', { code: 'OUTCOME_UNKNOWN' })).to.have.length(1);
      await desk.clock.pass(1_000);

      expect(till.calls).to.deep.equal(['7@0', '8@0', '7@0', '7@1']);
      expect(await dispatcher.stopped('memory')).to.deep.equal([]);
    });
  });

  describe('and that the target may tell', () => {
    let till: Till;
    beforeEach(() => {
      till = new Till('query');
      till.isMute = true;
    });

    it('waits as in an outage, costs no try, and is asked for until the target tells', async () => {
      till.feel(hangsAt('dear'));
      const dispatcher = await desk.started({ sink: till });
      await desk.note('7', 'dear', 'behind');

      await desk.clock.pass(HALF_AN_HOUR_MS);
      const [lane] = await dispatcher.lanes();
      till.isMute = false;
      await desk.clock.pass(31_000);

      expect(lane).to.include({ state: 'waiting', pending: 2 });
      expect(lane!.failure).to.include({ code: 'OUTCOME_UNKNOWN', attempts: 0 });
      expect(till.charged).to.deep.equal(['7@0', '7@1']);
      expect(till.calls.length).to.be.above(20);
      expect(new Set(till.calls)).to.deep.equal(new Set(['7@0', '7@0 again?', '7@1']));
    });

    it('is in doubt still after a restart', async () => {
      till.feel(hangsAt('dear'));
      const first = await desk.started({ sink: till }, { instance: 'first' });
      await desk.note('7', 'dear');
      await desk.clock.pass(1_000);
      await first.stop();
      till.isMute = false;

      await desk.started({ sink: till }, { instance: 'second' });
      await desk.clock.pass(31_000);

      expect(till.charged).to.deep.equal(['7@0']);
      expect(till.calls.at(-1)).to.equal('7@0 again?');
    });

    it('is in doubt still after an outage in which nobody could be asked, also for the next holder', async () => {
      let isAway = false;
      const sink: Sink = {
        mostAtOnce: 1,
        deliver: (batch, context) =>
          isAway ? Promise.resolve({ accepted: 0, failure: new SinkUnavailableError('there is nobody') }) : till.deliver(batch, context),
      };
      till.feel(hangsAt('dear'));
      const first = await desk.started({ sink }, { instance: 'first' });
      await desk.note('7', 'dear');
      await desk.clock.pass(1_000);
      isAway = true;
      await desk.clock.pass(60_000);
      const [lane] = await first.lanes();
      await first.stop();
      [isAway, till.isMute] = [false, false];

      await desk.started({ sink }, { instance: 'second' });
      await desk.clock.pass(31_000);

      expect(lane!.failure!.code).to.equal('OUTCOME_UNKNOWN');
      expect(lane!.failure!.error).to.include('there is nobody').and.to.include('an earlier try');
      expect(till.charged).to.deep.equal(['7@0']);
    });

    it('is sent without a doubt when a person has the waiting lane go on', async () => {
      till.feel(() => 'lost');
      const dispatcher = await desk.started({ sink: till });
      await desk.note('7', 'dear');
      await desk.clock.pass(10_000);
      till.feel(() => 'answers');
      till.calls.length = 0;

      await dispatcher.resume('memory', 0);
      await desk.clock.pass(1_000);

      expect(till.calls).to.deep.equal(['7@0']);
      expect(till.charged).to.deep.equal(['7@0']);
    });

    it('is not sent again by an order for all that has stopped: the target is asked on', async () => {
      till.feel(hangsAt('dear'));
      desk = new OrderDesk({ lanes: 2 });
      const [poor, other] = [desk.idsOn(0, 1)[0]!, desk.idsOn(1, 1)[0]!];
      const refusing: Sink = {
        mostAtOnce: 1,
        deliver: ([message], context) => {
          if (!says('no')(message!)) return till.deliver([message!], context);
          const { id, stream, revision } = message!;
          return Promise.resolve({ accepted: 0, failure: new MessageRejectedError(id, stream, revision, 'no', { final: true }) });
        },
      };
      const dispatcher = await desk.started({ sink: refusing });
      await desk.note(poor, 'dear');
      await desk.note(other, 'no');
      await desk.clock.pass(5_000);

      await dispatcher.resume('memory');
      await desk.clock.pass(60_000);

      expect((await dispatcher.actions('memory')).map(({ lane, outcome }) => [lane, outcome])).to.deep.equal([[1, 'done']]);
      expect(new Set(till.calls.slice(1))).to.deep.equal(new Set([`${poor}@0 again?`]));
    });

    it('is not sent again when all stopped streams are redriven', async () => {
      desk = new OrderDesk({ lanes: 2 });
      till.feel(hangsAt('dear'));
      const dispatcher = await desk.started({
        sink: till,
        onFailure: 'park-stream',
        retry: { attempts: 100, firstMs: 1_000, maxMs: 2_000 },
      });
      const [poor, other] = [desk.idsOn(0, 1)[0]!, desk.idsOn(1, 1)[0]!];
      await desk.note(poor, 'dear');
      for (let second = 0; second < 10; second++) {
        await desk.note(other, `note ${second}`);
        await desk.clock.pass(1_000);
      }
      const stopped = await dispatcher.stopped('memory');

      expect(await dispatcher.redrive('memory', 'all')).to.deep.equal([]);

      expect(stopped.map(({ state, failure: { code } }) => [state, code])).to.deep.equal([['waiting', 'OUTCOME_UNKNOWN']]);
      expect(await dispatcher.redrive('memory', { stream: `order-${poor}` }, { dryRun: true })).to.have.length(1);
    });

    it('counts like poison in disguise while others get through, and stays in doubt while its stream waits alone', async () => {
      desk = new OrderDesk({ lanes: 2 });
      till.feel(hangsAt('dear'));
      const dispatcher = await desk.started({ sink: till, onFailure: 'park-stream' });
      const [poor, other] = [desk.idsOn(0, 1)[0]!, desk.idsOn(1, 1)[0]!];
      await desk.note(poor, 'dear', 'behind');

      for (let second = 0; second < 60; second++) {
        await desk.note(other, `note ${second}`);
        await desk.clock.pass(1_000);
      }

      const [stop] = await dispatcher.stopped('memory');
      expect(stop).to.include({ stream: `order-${poor}`, state: 'parked' });
      expect(stop!.failure).to.include({ code: 'OUTCOME_UNKNOWN', attempts: 3 });
      const ofPoor = till.calls.filter((call) => call.startsWith(`${poor}@`));
      expect(ofPoor[0]).to.equal(`${poor}@0`);
      expect(new Set(ofPoor.slice(1))).to.deep.equal(new Set([`${poor}@0 again?`]));
      expect(till.charged.filter((place) => place.startsWith(`${other}@`))).to.have.length(60);
    });
  });

  it('is asked for alone where it is one of a batch, and not with those that nobody has sent', async () => {
    const calls: string[] = [];
    let isUnknown = true;
    const sink: Sink = {
      deliver(batch: readonly OutboxMessage[], { mayBeRepeat }: DeliveryContext): Promise<Delivery> {
        calls.push(`${batch.map(placeOf).join()}${mayBeRepeat ? ' again?' : ''}`);
        const failure = new OutcomeUnknownError('the target', batch[1]?.id ?? '', 'no answer');
        if (isUnknown) return Promise.resolve({ accepted: 1, failure });
        return Promise.resolve({ accepted: batch.length });
      },
    };
    await desk.started({ sink });

    await desk.note('7', 'a', 'b', 'c', 'd');
    await desk.clock.pass(1);
    isUnknown = false;
    await desk.clock.pass(2_000);

    expect(calls).to.deep.equal(['7@0,7@1,7@2,7@3', '7@1 again?', '7@2,7@3']);
  });

  for (const onFailure of ['halt', 'park-stream'] as const) {
    it(`is not forgotten when the message is refused for good, and a person has it go on (${onFailure})`, async () => {
      const told: boolean[] = [];
      const sink: Sink = {
        mostAtOnce: 1,
        deliver([message], { mayBeRepeat }): Promise<Delivery> {
          told.push(mayBeRepeat);
          if (told.length > 2) return Promise.resolve({ accepted: 1 });
          const { id, stream, revision } = message!;
          const failure = new MessageRejectedError(id, stream, revision, 'what comes after the call failed', { final: told.length === 2 });
          return Promise.resolve({ accepted: 0, failure, inDoubt: told.length === 1 });
        },
      };
      const dispatcher = await desk.started({ sink, onFailure });
      await desk.note('7', 'a');
      await desk.clock.pass(5_000);
      const [{ failure } = { failure: undefined }] = onFailure === 'halt' ? await dispatcher.lanes() : await dispatcher.stopped('memory');

      if (onFailure === 'halt') await dispatcher.resume('memory', 0);
      else await dispatcher.redrive('memory', 'all');
      await desk.clock.pass(1_000);

      expect(failure).to.include({ code: 'MESSAGE_REJECTED' });
      expect(failure!.error).to.include('What came of an earlier try is not known');
      expect(told).to.deep.equal([false, true, true]);
      expect((await dispatcher.lanes())[0]).to.include({ state: 'running', pending: 0, failure: undefined });
    });
  }

  describe('because the sink threw, or answered nonsense,', () => {
    for (const [how, answer] of [
      ['threw', () => Promise.reject(new Error('socket hang up'))],
      ['answered nonsense', () => Promise.resolve({ accepted: 7 })],
    ] as const) {
      it(`is taken for one where the target must not get anything twice (it ${how})`, async () => {
        const calls: boolean[] = [];
        const sink: Sink = {
          mostAtOnce: 1,
          deliver(_batch, { mayBeRepeat }) {
            calls.push(mayBeRepeat);
            return calls.length === 1 ? answer() : Promise.resolve({ accepted: 1 });
          },
        };
        await desk.started({ sink });

        await desk.note('7', 'a');
        await desk.clock.pass(2_000);

        expect(calls).to.deep.equal([false, true]);
      });
    }
  });
});
