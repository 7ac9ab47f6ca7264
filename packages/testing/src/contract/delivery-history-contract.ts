import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { AttemptQuery, DeliveryAttempt, DeliveryOutcome, StoredAttempt } from '@waybill/core';
import { after, before, describe, it } from 'mocha';
import { anAttempt } from '../builders/an-attempt.js';
import { eventually } from '../builders/waiting.js';
import { leaseRoute, settleLane } from '../ordering/leased-route.js';
import type { LeasedRoute } from '../ordering/leased-route.js';
import type { Fixture } from './fixture.js';

type Port = 'routes' | 'leases' | 'lanes' | 'status' | 'retention';

const MOST_DETAIL = 1_000;
const OUTCOMES: readonly DeliveryOutcome[] = ['delivered', 'rejected', 'unavailable', 'unknown', 'crashed', 'skipped', 'discarded'];

/** The suite of the delivery history: a line for each try, as settlements bring them, until they are removed by age. */
export function deliveryHistoryContract<Tx>(name: string, open: () => Promise<Fixture<Tx, Port>>): void {
  describe(`the delivery history of ${name}`, () => {
    let fixture: Fixture<Tx, Port>;
    before(async () => (fixture = await open()));
    after(() => fixture?.close());

    const lease = (owner = 'host-1'): Promise<LeasedRoute> => leaseRoute(fixture.database, { order: 'global', owner });
    const record = (route: LeasedRoute, ...attempts: readonly DeliveryAttempt[]): Promise<void> =>
      settleLane(route, route.held[0]!, { attempts });
    const tries = (messageId: string, query: Partial<AttemptQuery> = {}): Promise<readonly StoredAttempt[]> =>
      fixture.database.status.attempts({ messageId, ...query });
    const at = (second: number): { readonly startedAt: Date } => ({ startedAt: new Date(Date.UTC(2024, 1, 29, 12, 0, second, 7)) });
    const removeHistory = (most = 1_000, olderThanMs = 0): Promise<number> =>
      fixture.database.retention.removeHistory({ olderThanMs, most });

    it('tells of a try what was settled of it, where, and by whom', async () => {
      const [route, id] = [await lease('hüst-7'), randomUUID()];

      await record(route, anAttempt([id], { outcome: 'rejected', detail: 'ü: 422 {"reason":"bad"}' }));

      const { messageIds: _ids, ...tried } = anAttempt([id], { outcome: 'rejected', detail: 'ü: 422 {"reason":"bad"}' });
      expect(await tries(id)).to.deep.equal([{ ...tried, route: route.name, lane: 0, instance: 'hüst-7', batchSize: 1 }]);
    });

    it('knows every outcome, and tries without an answer', async () => {
      const route = await lease();

      for (const outcome of OUTCOMES) {
        const id = randomUUID();
        await record(route, anAttempt([id], { outcome, detail: undefined }));

        const [tried] = await tries(id);
        expect(tried).to.include({ outcome, detail: undefined });
      }
    });

    it('knows tries that took a part of a millisecond', async () => {
      const [route, id] = [await lease(), randomUUID()];

      await record(route, anAttempt([id], { durationMs: 0.73 }));

      expect((await tries(id))[0]!.durationMs).to.be.within(0, 1);
    });

    it('finds a batch by each of its messages', async () => {
      const [route, ids] = [await lease(), Array.from({ length: 2_000 }, () => randomUUID())];

      await record(route, anAttempt(ids));

      for (const id of [ids[0]!, ids[1_000]!, ids.at(-1)!]) {
        const found = await tries(id);
        expect(found.map(({ batchSize }) => batchSize)).to.deep.equal([2_000]);
      }
    });

    it('tells the newest tries first, of one settlement or of many', async () => {
      const [route, id] = [await lease(), randomUUID()];
      await record(route, anAttempt([id], { outcome: 'unavailable', ...at(1) }));

      await record(route, anAttempt([id], { outcome: 'rejected', ...at(2) }), anAttempt([id, randomUUID()], { ...at(3) }));

      expect((await tries(id)).map(({ outcome }) => outcome)).to.deep.equal(['delivered', 'rejected', 'unavailable']);
    });

    it('tells no more than asked for, and of no more than a hundred unasked', async () => {
      const [route, id] = [await lease(), randomUUID()];
      const attempts = Array.from({ length: 102 }, (_, nth) => anAttempt([id], { outcome: 'rejected', detail: `${nth}`, ...at(nth) }));
      await record(route, ...attempts);

      const [two, unasked, all] = [await tries(id, { most: 2 }), await tries(id), await tries(id, { most: 1_000 })];

      expect(two.map(({ detail }) => detail)).to.deep.equal(['101', '100']);
      expect([unasked, all].map(({ length }) => length)).to.deep.equal([100, 102]);
    });

    it('is asked for one route, or for all', async () => {
      const [one, other, id] = [await lease(), await lease(), randomUUID()];
      await record(one, anAttempt([id]));
      await record(other, anAttempt([id]));

      expect((await tries(id, { route: one.name })).map(({ route }) => route)).to.deep.equal([one.name]);
      expect((await tries(id)).map(({ route }) => route)).to.have.members([one.name, other.name]);
      expect(await tries(id, { route: 'never' })).to.deep.equal([]);
    });

    it('knows nothing of a message that was never tried', async () => {
      await record(await lease(), anAttempt([randomUUID()]));

      expect(await tries(randomUUID())).to.deep.equal([]);
    });

    it('keeps the beginning of a long answer', async () => {
      const [route, id] = [await lease(), randomUUID()];

      await record(route, anAttempt([id], { detail: `begin${'x'.repeat(5_000)}` }));

      expect((await tries(id))[0]!.detail).to.equal(`begin${'x'.repeat(MOST_DETAIL - 5)}`);
    });

    it('keeps an answer whatever characters are in it', async () => {
      const route = await lease();

      for (const detail of ['a\u0000b', 'a\ud800b', `a${'🧾'.repeat(MOST_DETAIL)}b`, '']) {
        const id = randomUUID();
        await record(route, anAttempt([id], { detail }));
        const [tried] = await tries(id);
        expect(tried!.detail?.[0] ?? '').to.equal(detail[0] ?? '');
      }
    });

    it('has a try once when the same settlement comes twice', async () => {
      const [route, id] = [await lease(), randomUUID()];
      const attempts = [anAttempt([randomUUID(), randomUUID()]), anAttempt([id], { outcome: 'rejected' })];

      await record(route, ...attempts);
      await record(route, ...attempts);

      expect(await tries(id)).to.have.length(1);
    });

    describe('removal', () => {
      /** Removes until nothing of a message is left: by then everything older is gone as well. */
      const removeUntilGone = (id: string, removing: () => Promise<number> = removeHistory): Promise<unknown> =>
        eventually('the removal of a try', async () => (await removing(), (await tries(id)).length === 0 ? true : undefined));

      it('takes what is older than asked, by when it was settled', async () => {
        const [route, id] = [await lease(), randomUUID()];
        await record(route, anAttempt([id], { startedAt: new Date('2001-01-01T00:00:00.000Z') }));

        await removeHistory(1_000, 60_000);
        const young = await tries(id);
        await removeUntilGone(id);

        expect(young).to.have.length(1);
      });

      it('takes no more lines at once than asked, and says how many', async () => {
        const [route, ids] = [await lease(), Array.from({ length: 5 }, () => randomUUID())];
        await eventually('the removal of all that was there', async () => ((await removeHistory()) === 0 ? true : undefined));
        for (const [nth, id] of ids.entries()) await record(route, anAttempt([id, randomUUID(), randomUUID()], at(nth)));

        let removed = 0;
        await eventually('the removal of five lines', async () => {
          const now = await removeHistory(2);
          expect(now).to.be.at.most(2);
          removed += now;
          return removed >= 5 ? true : undefined;
        });

        expect([removed, await removeHistory(2)]).to.deep.equal([5, 0]);
        for (const id of ids) expect(await tries(id)).to.deep.equal([]);
      });
    });
  });
}
