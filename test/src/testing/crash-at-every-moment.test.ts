import { expect } from 'chai';
import type { Moment } from '@waybill/core';
import { CrashPoints } from '@waybill/testing';
import { brokenDatabase, overlay } from './broken-database.js';
import { walk } from './shop-walk.js';
import type { Walk } from './shop-walk.js';

const everyMoment: readonly Moment[] = [
  'projected',
  'appended',
  'committed',
  'read',
  'delivered',
  'settled',
  'claimed',
  'called',
  'handled',
];

/** What must be the same, whatever crashed. */
async function outcomeOf({ database, store, effects }: Walk): Promise<object> {
  const streams = ['account-a', 'account-b', 'key-thanks'];
  const stored = streams.map((stream) => store.events(stream).map(({ type }) => type));
  const heads = await database.transactions.run((tx) =>
    Promise.all(streams.map(async (stream) => (await database.outbox.headAndTail(stream, 0n, tx)).head)),
  );
  const doneTwice = effects.filter((effect, index) => effects.indexOf(effect) !== index);
  return { stored, heads, effects: effects.map((effect) => effect.split(' ')[0]).sort(), doneTwice };
}

describe('a crash at any moment of the walk', () => {
  const undisturbed = {
    stored: [
      ['Opened', 'Deposited', 'Deposited'],
      ['Opened', 'Deposited'],
      ['Thanked', 'Thanked', 'Thanked'],
    ],
    heads: [2n, 1n, 2n],
    effects: ['charged', 'projected', 'thanked'].flatMap((effect) => [effect, effect, effect]),
    doneTwice: [],
  };

  it('has every moment to crash at', async () => {
    const calm = await walk(() => {});

    expect(await outcomeOf(calm)).to.deep.equal(undisturbed);
    expect([...calm.moments.keys()]).to.have.members(everyMoment);
  });

  for (const moment of everyMoment) {
    it(`loses nothing, doubles nothing and reorders nothing at "${moment}", whichever time`, async () => {
      const { moments } = await walk(() => {});
      const times = moments.get(moment)!;

      for (let nth = 1; nth <= times; nth++) {
        const crash = new CrashPoints();
        crash.throwAt(moment, { nth });
        const crashed = await walk(crash.reached);

        expect(await outcomeOf(crashed), `crash at time ${nth} of ${times}`).to.deep.equal(undisturbed);
        expect(crashed.crashes, `crashes at time ${nth} of ${times}`).to.equal(1);
      }
    });
  }

  it('loses nothing when it comes again and again', async () => {
    const crash = new CrashPoints();
    for (const moment of everyMoment) for (const nth of [1, 2, 3, 4]) crash.throwAt(moment, { nth });

    const crashed = await walk(crash.reached);

    expect(await outcomeOf(crashed)).to.deep.equal(undisturbed);
    expect(crashed.crashes).to.equal(everyMoment.length * 4);
  });

  it('would show effects that are done twice, were there no inbox', async () => {
    const { database } = await brokenDatabase((real) => ({
      inbox: overlay(real.inbox, { claim: async () => true, claimed: async () => false }),
    }))();
    const crash = new CrashPoints();
    crash.throwAt('delivered');
    crash.throwAt('committed', { nth: 4 }); // the first of a handler

    const { effects } = await walk(crash.reached, database);

    expect(effects).to.have.length.above(new Set(effects).size);
  });
});
