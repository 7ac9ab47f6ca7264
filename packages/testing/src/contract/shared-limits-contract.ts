import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { Database, LimitAnswer, LimitRequest } from '@waybill/core';
import { after, before, describe, it } from 'mocha';
import { eventually, SETTLE_MS } from '../builders/waiting.js';
import type { Fixture } from './fixture.js';
import { rejection } from './rejection.js';

const SHORT_MS = 50;
const LONG_MS = 60_000;
const RACERS = 8;

/** The suite of `SharedLimits`: how much is asked of a target by all processes together, by the database's clock. */
export function sharedLimitsContract<Tx>(name: string, open: () => Promise<Fixture<Tx, 'limits'>>): void {
  describe(`SharedLimits of ${name}`, () => {
    type Doors = readonly Pick<Database<Tx>, 'limits'>[];
    let fixture: Fixture<Tx, 'limits'>;
    let doors: Doors;
    before(async () => {
      fixture = await open();
      doors = [fixture.database, (await fixture.another?.()) ?? fixture.database];
    });
    after(() => fixture?.close());

    const aName = (): string => `target-${randomUUID()}`;
    const acquire = (limit: string, request: Partial<LimitRequest>, door = 0): Promise<LimitAnswer> =>
      doors[door % 2]!.limits.acquire({ name: limit, permit: randomUUID(), permitMs: LONG_MS, ...request });
    const release = (limit: string, permit: string, door = 0): Promise<void> => doors[door % 2]!.limits.release(limit, permit);
    const granted = async (limit: string, request: Partial<LimitRequest>, door = 0): Promise<boolean> =>
      (await acquire(limit, request, door)).granted;

    describe('of calls at once', () => {
      it('grants as many permits as may be in use, whoever asks, and no more', async () => {
        const limit = aName();

        const answers = [0, 1, 2].map((door) => () => granted(limit, { concurrency: 2 }, door));

        expect([await answers[0]!(), await answers[1]!(), await answers[2]!()]).to.deep.equal([true, true, false]);
      });

      it('never has more permits in use than that, with racers of two processes', async () => {
        const limit = aName();
        let [inUse, most, done] = [0, 0, 0];
        const racer = async (_: unknown, nth: number): Promise<void> => {
          for (let calls = 0; calls < 10;) {
            const permit = randomUUID();
            if (!(await granted(limit, { permit, concurrency: 3 }, nth))) {
              await sleep(1);
              continue;
            }
            most = Math.max(most, ++inUse);
            await sleep(1);
            // Counted out before it is given back: in between somebody else may have it.
            inUse--;
            await release(limit, permit, nth + 1);
            calls++;
            done++;
          }
        };

        await Promise.all(Array.from({ length: RACERS }, racer));

        expect(most).to.be.within(1, 3);
        expect(done).to.equal(RACERS * 10);
      });

      it('grants no more than that to many who ask in the same moment', async () => {
        const limit = aName();

        const answers = await Promise.all(Array.from({ length: RACERS }, (_, nth) => granted(limit, { concurrency: 3 }, nth)));

        expect(answers.filter(Boolean)).to.have.length(3);
      });

      it('tells who has to wait for a permit until when the first of them runs out at the latest', async () => {
        const limit = aName();
        await acquire(limit, { concurrency: 2, permitMs: LONG_MS });
        await acquire(limit, { concurrency: 2, permitMs: LONG_MS / 2 });

        const refused = await acquire(limit, { concurrency: 2 });

        expect(refused).to.include({ granted: false, by: 'concurrency' });
        expect(waitOf(refused)).to.be.within(LONG_MS / 2 - 20_000, LONG_MS / 2);
      });

      it('frees a permit at once that is given back, in whatever process', async () => {
        const [limit, permit] = [aName(), randomUUID()];
        await acquire(limit, { permit, concurrency: 1 });

        await release(limit, permit, 1);

        expect(await granted(limit, { concurrency: 1 })).to.equal(true);
      });

      it('frees the permit of a holder that is gone when its time is over', async () => {
        const limit = aName();
        await acquire(limit, { concurrency: 1, permitMs: SHORT_MS });

        expect(waitOf(await acquire(limit, { concurrency: 1, permitMs: SHORT_MS }))).to.be.at.most(SHORT_MS);
        await eventually('the permit being free', async () => ((await granted(limit, { concurrency: 1 })) ? true : undefined));
      });

      it('keeps a permit in use until its time is over', async () => {
        const limit = aName();
        await acquire(limit, { concurrency: 1, permitMs: LONG_MS });

        await sleep(SETTLE_MS);

        expect(await granted(limit, { concurrency: 1 })).to.equal(false);
      });

      it('takes one permit only for whoever asks again with it', async () => {
        const [limit, permit] = [aName(), randomUUID()];
        for (const door of [0, 1, 0]) expect(await granted(limit, { permit, concurrency: 2 }, door)).to.equal(true);

        expect(await granted(limit, { concurrency: 2 })).to.equal(true);
        expect(await granted(limit, { concurrency: 2 })).to.equal(false);
        expect(await granted(limit, { permit: permit.toUpperCase(), concurrency: 2 })).to.equal(true);
      });

      it('counts the time of a permit from when it was asked for last', async () => {
        const [limit, permit] = [aName(), randomUUID()];
        await acquire(limit, { permit, concurrency: 1, permitMs: SHORT_MS });
        await acquire(limit, { permit, concurrency: 1, permitMs: LONG_MS });

        await sleep(SHORT_MS + SETTLE_MS);

        expect(await granted(limit, { concurrency: 1 })).to.equal(false);
      });

      it('takes it calmly when a permit is given back twice, or was never taken', async () => {
        const [limit, permit] = [aName(), randomUUID()];
        await acquire(limit, { permit, concurrency: 2 });
        await acquire(limit, { concurrency: 2 });

        await release(limit, permit);
        await release(limit, permit);
        await release(limit, randomUUID());
        await release(aName(), permit);

        expect(await granted(limit, { concurrency: 2 })).to.equal(true);
        expect(await granted(limit, { concurrency: 2 })).to.equal(false);
      });

      it('goes by the number of whoever asks, from then on', async () => {
        const limit = aName();
        await acquire(limit, { concurrency: 2 });
        await acquire(limit, { concurrency: 2 });

        expect(await granted(limit, { concurrency: 1 })).to.equal(false);
        expect(await granted(limit, { concurrency: 3 })).to.equal(true);
        expect(await granted(limit, { concurrency: 3 })).to.equal(false);
      });
    });

    describe('of calls in a time', () => {
      it('grants the burst at once, whoever asks, and then tells when the next token is due', async () => {
        const limit = aName();
        const rate = { limit: 1, perMs: LONG_MS, burst: 3 };

        for (const door of [0, 1, 0]) expect(await granted(limit, { rate }, door)).to.equal(true);
        const refused = await acquire(limit, { rate }, 1);

        expect(refused).to.include({ granted: false, by: 'rate' });
        expect(waitOf(refused)).to.be.within(LONG_MS - 20_000, LONG_MS);
      });

      it('takes the limit for the burst unless told otherwise', async () => {
        const limit = aName();
        const rate = { limit: 2, perMs: LONG_MS };

        const answers = [await granted(limit, { rate }), await granted(limit, { rate }), await granted(limit, { rate })];

        expect(answers).to.deep.equal([true, true, false]);
      });

      it('never grants more than burst and rate allow to racers of two processes, and lets them go on', async () => {
        const limit = aName();
        const rate = { limit: 1, perMs: 10, burst: 5 };
        let grants = 0;
        const startedAt = performance.now();
        const racer = async (_: unknown, nth: number): Promise<void> => {
          while (grants < 25) {
            const answer = await acquire(limit, { rate }, nth);
            if (answer.granted) grants++;
            else await sleep(answer.waitMs);
          }
        };

        await Promise.all(Array.from({ length: RACERS }, racer));

        // The clock of the database may tell the time in whole milliseconds.
        const elapsedMs = performance.now() - startedAt + 2;
        expect(grants).to.be.at.most(rate.burst + (elapsedMs * rate.limit) / rate.perMs);
      });

      it('has a token for whoever waited for as long as it was told', async () => {
        const limit = aName();
        const rate = { limit: 1, perMs: SHORT_MS, burst: 1 };
        await acquire(limit, { rate });

        const waitMs = waitOf(await acquire(limit, { rate }));
        expect(waitMs).to.be.within(1, SHORT_MS);
        await sleep(waitMs + 5);

        expect(await granted(limit, { rate })).to.equal(true);
      });

      it('saves up no more than the burst of whoever asks', async () => {
        const limit = aName();
        await acquire(limit, { rate: { limit: 1, perMs: LONG_MS, burst: 100 } });
        const rate = { limit: 1, perMs: LONG_MS, burst: 2 };

        const answers = [await granted(limit, { rate }), await granted(limit, { rate }), await granted(limit, { rate })];

        expect(answers).to.deep.equal([true, true, false]);
      });

      it('is not filled at once by who asks with a larger burst', async () => {
        const limit = aName();
        await acquire(limit, { rate: { limit: 1, perMs: LONG_MS, burst: 1 } });

        expect(await granted(limit, { rate: { limit: 1, perMs: LONG_MS, burst: 100 } })).to.equal(false);
      });

      it('has nothing to give back: a token is used up', async () => {
        const [limit, permit] = [aName(), randomUUID()];
        const rate = { limit: 1, perMs: LONG_MS };
        await acquire(limit, { permit, rate });

        await release(limit, permit);

        expect(await granted(limit, { rate })).to.equal(false);
      });
    });

    describe('of both', () => {
      const rate = { limit: 1, perMs: LONG_MS, burst: 2 };

      it('takes no token where there is no permit', async () => {
        const [limit, permit] = [aName(), randomUUID()];
        await acquire(limit, { permit, concurrency: 1, rate });

        expect(await acquire(limit, { concurrency: 1, rate })).to.include({ granted: false, by: 'concurrency' });
        await release(limit, permit);

        expect(await granted(limit, { concurrency: 1, rate })).to.equal(true);
      });

      it('takes no permit where there is no token', async () => {
        const limit = aName();
        for (const permit of [randomUUID(), randomUUID()]) {
          await acquire(limit, { permit, concurrency: 2, rate });
          await release(limit, permit);
        }

        expect(await acquire(limit, { concurrency: 1, rate })).to.include({ granted: false, by: 'rate' });

        expect(await granted(limit, { concurrency: 1 })).to.equal(true);
      });

      it('takes one token only for whoever asks again with a permit in use', async () => {
        const [limit, permit] = [aName(), randomUUID()];
        await acquire(limit, { permit, concurrency: 2, rate });
        await acquire(limit, { permit, concurrency: 2, rate });

        expect(await granted(limit, { concurrency: 2, rate })).to.equal(true);
      });

      it('fills the bucket for the first who asks for a token, though others asked for permits before', async () => {
        const limit = aName();
        await acquire(limit, { concurrency: 5 });

        expect(await granted(limit, { rate })).to.equal(true);
        expect(await granted(limit, { rate })).to.equal(true);
        expect(await granted(limit, { rate })).to.equal(false);
      });
    });

    it('keeps names apart', async () => {
      const [one, other] = [aName(), `$${aName()} 'ü"`];
      const [permit, rate] = [randomUUID(), { limit: 1, perMs: LONG_MS }];
      for (const limit of [one, other]) expect(await granted(limit, { permit, concurrency: 1, rate })).to.equal(true);

      await release(one, permit);

      expect(await granted(other, { concurrency: 1 })).to.equal(false);
      expect(await granted(one, { concurrency: 1 })).to.equal(true);
    });

    const impossible: readonly (readonly [string, Partial<LimitRequest>])[] = [
      ['limits nothing', {}],
      ['has no name', { name: '', concurrency: 1 }],
      ['asks with a permit that is no UUID', { permit: 'mine', concurrency: 1 }],
      ['allows no call at once', { concurrency: 0 }],
      ['allows half a call at once', { concurrency: 1.5 }],
      ['has permits for no time', { concurrency: 1, permitMs: 0 }],
      ['never has a token', { rate: { limit: 0, perMs: 1_000 } }],
      ['counts by no time', { rate: { limit: 1, perMs: 0 } }],
      ['has a bucket that holds no whole token', { rate: { limit: 1, perMs: 1_000, burst: 0.5 } }],
    ];
    for (const [what, request] of impossible) {
      it(`refuses a request that ${what}`, async () => {
        expect(await rejection(acquire(aName(), request))).to.include({ code: 'INVALID_OPTIONS' });
      });
    }
  });
}

const waitOf = (answer: LimitAnswer): number => (answer.granted ? 0 : answer.waitMs);
