import { expect } from 'chai';
import { DatabaseUnavailableError } from '@waybill/core';
import { HttpReceiver } from '@waybill/http';
import type { HttpReceiverOptions, HttpReply } from '@waybill/http';
import { ManualClock } from '../../shop/manual-clock.js';
import { NotingIntake } from './noting-intake.js';
import { anEvent, batch, problemOf, received, slugOf } from './sender.js';

describe('a batch', () => {
  const clock = new ManualClock();
  let intake: NotingIntake;

  beforeEach(() => (intake = new NotingIntake()));

  const handle = (events: readonly unknown[], options: Partial<HttpReceiverOptions> = {}): Promise<HttpReply> =>
    new HttpReceiver({ intake, unsigned: true, clock, ...options }).handle(received(batch(events)));
  const [one, two, three] = [anEvent(), anEvent(), anEvent()];
  const ids = (...events: readonly { readonly id: string }[]): readonly string[] => events.map(({ id }) => id);

  it('is taken in order', async () => {
    const reply = await handle([one, two, three]);

    expect(reply).to.include({ status: 200, body: '{"outcome":"handled","accepted":3}' });
    expect(intake.ids).to.deep.equal(ids(one, two, three));
  });

  it('is accepted where its messages are stored', async () => {
    intake.outcome = 'accepted';

    expect(await handle([one, two])).to.include({ status: 202, body: '{"outcome":"accepted","accepted":2}' });
  });

  it('is a duplicate where each of its messages is', async () => {
    await handle([one, two]);

    expect(await handle([one, two])).to.include({ status: 200, body: '{"outcome":"duplicate","accepted":2}' });
    expect(await handle([one, two, three])).to.include({ status: 200, body: '{"outcome":"handled","accepted":3}' });
    expect(intake.ids).to.deep.equal(ids(one, two, three));
  });

  it('without messages is taken', async () => {
    expect(await handle([])).to.include({ status: 200, body: '{"outcome":"handled","accepted":0}' });
  });

  it('ends before a message that is malformed, and tells how many were taken', async () => {
    const reply = await handle([one, { ...two.toJSON(), time: 'never' }, three]);

    expect([slugOf(reply), problemOf(reply).accepted]).to.deep.equal(['malformed', 1]);
    expect(intake.ids).to.deep.equal(ids(one));
  });

  it('ends before a message of a source that is not taken', async () => {
    const reply = await handle([one, two, anEvent({ source: '/elsewhere' })], { sources: [one.source] });

    expect([slugOf(reply), problemOf(reply).accepted]).to.deep.equal(['unknown-source', 2]);
  });

  it('ends before a message that cannot be taken now', async () => {
    intake.before = ({ id }) => {
      if (id === two.id) throw new DatabaseUnavailableError('it is away');
    };

    const reply = await handle([one, two, three]);

    expect([slugOf(reply), problemOf(reply).accepted]).to.deep.equal(['unavailable', 1]);
    expect(reply.headers).to.have.property('retry-after', '5');
    expect(intake.ids).to.deep.equal(ids(one));
  });

  it('ends where the time for the answer does', async () => {
    let stopped = false;
    intake.before = ({ id }, { signal }) => {
      if (id === two.id) return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('stopped'))));
      if (id === three.id) stopped = true;
      return undefined;
    };

    const answering = handle([one, two, three], { answerWithinMs: 2_000 });
    await clock.pass(2_000);
    const reply = await answering;

    expect([slugOf(reply), problemOf(reply).accepted]).to.deep.equal(['unavailable', 1]);
    expect(stopped).to.equal(false);
  });

  it('of more messages than are taken at once is refused as a whole', async () => {
    const reply = await handle([one, two, three], { maxBatch: 2 });

    expect([reply.status, slugOf(reply), intake.ids]).to.deep.equal([413, 'oversized', []]);
  });
});
