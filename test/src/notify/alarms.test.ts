import { expect } from 'chai';
import { Alarms, InvalidOptionsError, LoggingNotifier, NotificationFailedError, silentLogger } from '@waybill/core';
import type { AlarmsOptions } from '@waybill/core';
import { ManualClock } from '../shop/manual-clock.js';
import { aFinding, findings, Mailbox } from './mailbox.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

describe('alarms', () => {
  let clock: ManualClock;
  let mailbox: Mailbox;
  let alarms: Alarms;

  const alarmsTo = (options: Partial<AlarmsOptions> = {}): Alarms =>
    new Alarms({ notifiers: [mailbox], clock, random: () => 0, instance: 'shop-1', ...options });

  beforeEach(() => {
    clock = new ManualClock();
    mailbox = new Mailbox();
    alarms = alarmsTo();
  });

  describe('of one trouble', () => {
    it('are told once, however often it is found, and again after an hour with the number of times', async () => {
      alarms.raise(aFinding());
      alarms.raise(aFinding());
      await clock.pass(HOUR - 1);
      alarms.raise(aFinding());
      await clock.pass(0);
      expect(mailbox.alarms).to.have.length(1);

      await clock.pass(1);
      alarms.raise(aFinding());
      await clock.pass(0);

      expect(mailbox.alarms.map(({ repeats }) => repeats)).to.deep.equal([0, 2]);
    });

    it('name who tells it', async () => {
      alarms.raise(aFinding());
      await clock.pass(0);

      expect(mailbox.alarms[0]).to.deep.include({ ...aFinding(), instance: 'shop-1', state: 'raised' });
    });

    it('are told again at once when it is another message that stands in the way', async () => {
      const message = { id: 'm-1', stream: 'order-7', revision: '12' };

      alarms.raise(aFinding({ message }));
      alarms.raise(aFinding({ message: { ...message, id: 'm-2' } }));
      await clock.pass(0);

      expect(mailbox.alarms.map((alarm) => alarm.message?.id)).to.deep.equal(['m-1', 'm-2']);
    });

    it('say when it is over, and then it is news again', async () => {
      alarms.raise(aFinding());
      await clock.pass(10 * MINUTE);
      alarms.settle('lane-halted/orders/3');
      alarms.settle('lane-halted/orders/3');
      alarms.raise(aFinding());
      await clock.pass(0);

      expect(mailbox.alarms.map(({ state }) => state)).to.deep.equal(['raised', 'resolved', 'raised']);
      expect(mailbox.alarms[1]!.title).to.equal('Over: Lane orders/3 halted at order-7@12');
      expect(mailbox.alarms[1]!.text).to.equal('It began at 2025-01-01T00:00:00.000Z and is over after 10 min.');
    });

    it('do not say that something is over of which nobody was told', async () => {
      alarms.settle('lane-halted/orders/3');
      await clock.pass(0);

      expect(mailbox.alarms).to.deep.equal([]);
    });
  });

  describe('that are too many', () => {
    it('are summed up in one, when the minute is over', async () => {
      for (const finding of findings(50)) alarms.raise(finding);
      await clock.pass(MINUTE - 1);
      expect(mailbox.alarms).to.have.length(20);

      await clock.pass(1);

      const summary = mailbox.alarms[20]!;
      expect(mailbox.alarms).to.have.length(21);
      expect(summary).to.include({ kind: 'held-back', title: '30 more alarms at once', instance: 'shop-1' });
      expect(summary.text).to.include('30 lane-halted').and.to.include('lane 20; lane 21');
    });

    it('never are more than so many within any minute, also while they keep coming', async () => {
      const toldAt: number[] = [];
      const keeping = alarmsTo({ notifiers: [{ notify: async () => void toldAt.push(clock.monotonic()) }], perMinute: 5 });

      for (const finding of findings(600)) {
        keeping.raise(finding);
        await clock.pass(SECOND);
      }

      const within = toldAt.map((begin) => toldAt.filter((at) => at >= begin && at < begin + MINUTE).length);
      expect(Math.max(...within)).to.equal(5);
      expect(toldAt.at(-1)).to.be.greaterThan(8 * MINUTE); // nobody is left in the dark by the limit
    });

    it('are not said to be over one by one when they were not told one by one', async () => {
      for (const finding of findings(25)) alarms.raise(finding);
      await clock.pass(2 * MINUTE);
      for (const { key } of findings(25).slice(18)) alarms.settle(key);
      await clock.pass(0);

      expect(mailbox.alarms.filter(({ state }) => state === 'resolved').map(({ lane }) => lane)).to.deep.equal([18, 19]);
    });

    it('let no newer one go before the summary', async () => {
      const slow = alarmsTo({ perMinute: 1 });
      const [first, second, third] = findings(3);

      slow.raise(first!);
      clock.after(MINUTE, () => slow.raise(third!)); // at the moment when there is room again
      slow.raise(second!);
      await clock.pass(MINUTE);

      expect(mailbox.titles).to.deep.equal(['lane 0', '2 more alarms at once']);
    });
  });

  describe('for a notifier that does not take them', () => {
    it('are tried again with pauses, and given up after so many tries', async () => {
      mailbox.refusal = new Error('no');
      const patient = alarmsTo({ tries: 3 });

      patient.raise(aFinding());
      await clock.pass(499);
      expect(mailbox.tries).to.equal(1);
      await clock.pass(1);
      expect(mailbox.tries).to.equal(2);
      await clock.pass(HOUR);

      expect(mailbox.tries).to.equal(3);
    });

    it('are told as soon as it takes them', async () => {
      mailbox.refusal = new Error('no');

      alarms.raise(aFinding());
      await clock.pass(MINUTE);
      mailbox.refusal = undefined;
      await clock.pass(MINUTE);

      expect(mailbox.titles).to.deep.equal([aFinding().title]);
    });

    it('wait as long as it asks for', async () => {
      mailbox.refusal = new NotificationFailedError('too many', { retryAfterMs: 30 * SECOND });

      alarms.raise(aFinding());
      await clock.pass(30 * SECOND - 1);
      expect(mailbox.tries).to.equal(1);
      await clock.pass(1);

      expect(mailbox.tries).to.equal(2);
    });

    it('are not tried again when it says that this cannot help', async () => {
      mailbox.refusal = new NotificationFailedError('no such channel', { final: true });

      alarms.raise(aFinding());
      await clock.pass(HOUR);

      expect(mailbox.tries).to.equal(1);
    });

    it('are told when they are found again, for nobody knows of them yet', async () => {
      mailbox.refusal = new NotificationFailedError('no such channel', { final: true });
      alarms.raise(aFinding());
      await clock.pass(SECOND);
      mailbox.refusal = undefined;

      alarms.raise(aFinding());
      await clock.pass(0);

      expect(mailbox.titles).to.deep.equal([aFinding().title]);
    });

    it('reach the other notifiers all the same', async () => {
      const deaf = new Mailbox();
      deaf.hangs = true;
      const both = alarmsTo({ notifiers: [deaf, mailbox] });

      for (const finding of findings(3)) both.raise(finding);
      await clock.pass(0);

      expect(mailbox.alarms).to.have.length(3);
    });
  });

  describe('for a notifier that hangs', () => {
    it('keep nobody waiting who raises them', () => {
      mailbox.hangs = true;

      for (const finding of findings(1_000)) alarms.raise(finding);

      expect(mailbox.tries).to.equal(0); // not even the first call was made by then
    });

    it('are given up for this try when its time is over, and it is told so', async () => {
      mailbox.hangs = true;
      const brief = alarmsTo({ sendWithinMs: 2 * SECOND, tries: 2 });

      brief.raise(aFinding());
      await clock.pass(2 * SECOND);
      expect(mailbox).to.include({ tries: 1, aborted: 1 });
      await clock.pass(MINUTE);

      expect(mailbox).to.include({ tries: 2, aborted: 2 });
    });

    it('wait in a queue with an end, and what did not fit in is counted', async () => {
      mailbox.hangs = true;
      const narrow = alarmsTo({ queued: 3, perMinute: 1_000 });

      for (const finding of findings(10)) narrow.raise(finding);
      await clock.pass(MINUTE);
      mailbox.hangs = false;
      await clock.pass(5 * MINUTE);

      expect(mailbox.titles).to.deep.equal(['lane 0', 'lane 1', 'lane 2', '7 more alarms at once']);
    });
  });

  describe('that are stopped', () => {
    it('send what waits first, the summary too', async () => {
      for (const finding of findings(25)) alarms.raise(finding);

      await alarms.stop();

      expect(mailbox.alarms).to.have.length(21);
      expect(mailbox.titles.at(-1)).to.equal('5 more alarms at once');
    });

    it('give up what cannot be sent in time', async () => {
      mailbox.hangs = true;
      alarms.raise(aFinding());
      let stopped = false;

      const stopping = alarms.stop(3 * SECOND).then(() => (stopped = true));
      await clock.pass(3 * SECOND - 1);
      expect(stopped).to.equal(false);
      await clock.pass(1);

      await stopping;
      expect(mailbox).to.include({ tries: 1, aborted: 1 });
    });

    it('take no more', async () => {
      await alarms.stop();

      alarms.raise(aFinding());
      await clock.pass(HOUR);
      await alarms.stop();

      expect(mailbox.tries).to.equal(0);
    });
  });

  it('refuse numbers that cannot work', () => {
    for (const nonsense of [{ perMinute: 0 }, { queued: 0 }, { tries: 0 }, { sendWithinMs: NaN }, { repeatAfterMs: -1 }])
      expect(() => alarmsTo(nonsense)).to.throw(InvalidOptionsError);
  });

  it('can be written to a log', async () => {
    const written: string[] = [];
    const write =
      (level: string) =>
      (_: object, text = ''): void =>
        void written.push(`${level}: ${text}`);
    const notifier = new LoggingNotifier({ ...silentLogger, error: write('error'), info: write('info') });
    const logging = alarmsTo({ notifiers: [notifier] });

    logging.raise(aFinding());
    logging.settle(aFinding().key);
    await logging.stop();

    expect(written).to.deep.equal(['error: Lane orders/3 halted at order-7@12', 'info: Over: Lane orders/3 halted at order-7@12']);
  });
});
