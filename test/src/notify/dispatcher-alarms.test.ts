import { expect } from 'chai';
import { Alarms, MessageRejectedError } from '@waybill/core';
import type { DispatcherEvents } from '@waybill/core';
import { ManualClock } from '../shop/manual-clock.js';
import { Mailbox } from './mailbox.js';

const HOUR = 3_600_000;
const message = { id: 'm-1', type: 'OrderPlaced', stream: 'order-7', revision: 12n };
const place = { route: 'mails', lane: 3 };
const failed = { ...place, message, error: new MessageRejectedError('m-1', 'order-7', 12n, 'customer c-2 has no address'), attempts: 10 };

describe('of what a dispatcher tells, people', () => {
  let clock: ManualClock;
  let mailbox: Mailbox;
  let alarms: Alarms;

  beforeEach(() => {
    clock = new ManualClock();
    mailbox = new Mailbox();
    alarms = new Alarms({ notifiers: [mailbox], clock, random: () => 0, instance: 'shop-1' });
  });

  const happens = async <Name extends keyof DispatcherEvents>(name: Name, event: DispatcherEvents[Name]): Promise<void> => {
    alarms.hear({ name, event } as unknown as Parameters<Alarms['hear']>[0]);
    await clock.pass(0);
  };
  const told = (): readonly string[] => mailbox.alarms.map(({ state, kind }) => `${kind} ${state}`);

  it('hear that a lane halted, at what, why, and what to do', async () => {
    await happens('halted', failed);

    expect(mailbox.alarms).to.have.length(1);
    expect(mailbox.alarms[0]).to.deep.include({
      ...{ kind: 'lane-halted', key: 'lane-halted/mails/3', route: 'mails', lane: 3 },
      message: { id: 'm-1', stream: 'order-7', revision: '12' },
      error: { code: 'MESSAGE_REJECTED', message: failed.error.message },
      title: 'Lane mails/3 halted at order-7@12',
    });
    expect(mailbox.alarms[0]!.text.split('\n')).to.deep.equal([
      'Message m-1 (OrderPlaced, order-7@12) was not accepted in 10 tries: customer c-2 has no address.',
      'Nothing behind it in this lane is delivered until a person acts, also over restarts. Other lanes go on.',
      "Mend the cause, then call dispatcher.resume('mails', 3).",
      "If the message can never be accepted: dispatcher.skip('mails', 'm-1', 'why').",
    ]);
  });

  it('get plain JSON', async () => {
    await happens('parked', failed);

    expect(JSON.parse(JSON.stringify(mailbox.alarms[0]))).to.deep.include({ kind: 'stream-parked', since: '2025-01-01T00:00:00.000Z' });
  });

  it('hear that it is over when somebody resumes the lane, or skips that message', async () => {
    await happens('halted', failed);
    await happens('resumed', place);
    await happens('halted', failed);
    await happens('skipped', { ...place, message: { ...message, id: 'another' }, reason: 'not this one' });
    expect(told().at(-1)).to.equal('lane-halted raised');
    await happens('skipped', { ...place, message, reason: 'closed' });

    expect(told()).to.deep.equal(['lane-halted raised', 'lane-halted resolved', 'lane-halted raised', 'lane-halted resolved']);
  });

  it('hear of a parked stream once, and that it is over only when all of it was delivered', async () => {
    await happens('parked', failed);
    await happens('parked', failed);
    await happens('resumed', { ...place, stream: 'order-7' });
    expect(told()).to.deep.equal(['stream-parked raised']);
    await happens('redriven', { ...place, stream: 'order-7' });

    expect(told()).to.deep.equal(['stream-parked raised', 'stream-parked resolved']);
  });

  it('hear at once when a stream that was redriven is parked again', async () => {
    await happens('parked', failed);
    await happens('resumed', { ...place, stream: 'order-7' });
    await happens('parked', failed);

    expect(told()).to.deep.equal(['stream-parked raised', 'stream-parked raised']);
  });

  it('hear of a halted stream', async () => {
    await happens('stream-halted', failed);

    expect(mailbox.alarms[0]).to.include({
      ...{ kind: 'stream-halted', stream: 'order-7', title: 'Stream order-7 is halted on route mails, at revision 12' },
    });
  });

  it('hear once of all the leases that a route lost together', async () => {
    for (let lane = 0; lane < 16; lane++) await happens('lease-lost', { route: 'mails', lane, epoch: 1n });
    await happens('lease-lost', { route: 'search', lane: 0, epoch: 1n });
    await clock.pass(HOUR);
    await happens('lease-lost', { route: 'mails', lane: 0, epoch: 2n });

    expect(mailbox.alarms.map(({ route, repeats }) => [route, repeats])).to.deep.equal([
      ['mails', 0],
      ['search', 0],
      ['mails', 15],
    ]);
  });

  it('hear nothing of a single failure, a delivery, or a lane that changes hands', async () => {
    await happens('waiting', { ...failed, stops: 'lane', waitMs: 200 });
    await happens('delivered', { ...place, count: 1, last: message, durationMs: 1, sinceCommitMs: 1 });
    await happens('lane-acquired', { ...place, epoch: 1n, takenOver: true });
    await happens('lane-released', { ...place, epoch: 1n });

    expect(told()).to.deep.equal([]);
  });

  it('can tell two troubles apart by their keys, whatever routes and streams are called', async () => {
    await happens('parked', { ...failed, route: 'a/b', message: { ...message, stream: 'c' } });
    await happens('parked', { ...failed, route: 'a', message: { ...message, stream: 'b/c' } });

    expect(mailbox.alarms.map(({ key }) => key)).to.deep.equal(['stream-stopped/a%2Fb/c', 'stream-stopped/a/b%2Fc']);
  });
});
