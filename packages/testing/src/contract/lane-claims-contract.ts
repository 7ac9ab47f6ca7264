import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { InboxClaim } from '@waybill/core';
import { after, before, describe, it } from 'mocha';
import { aClaim } from '../builders/a-claim.js';
import { isWaiting } from '../builders/waiting.js';
import { leaseRoute, takeOver } from '../ordering/leased-route.js';
import type { HeldLane } from '../ordering/leased-route.js';
import { againAfterConflicts } from './again-after-conflicts.js';
import type { Fixture } from './fixture.js';
import { holdTransaction } from './held-transaction.js';
import type { HeldTransaction } from './held-transaction.js';
import { rejection } from './rejection.js';

type Port = 'transactions' | 'inbox' | 'routes' | 'leases' | 'lanes';

/** The suite of claims that `InboxStore` makes under a lane: who has lost the lane claims nothing. */
export function laneClaimsContract<Tx>(name: string, open: () => Promise<Fixture<Tx, Port>>): void {
  describe(`InboxStore of ${name}: claims under a lane`, () => {
    let fixture: Fixture<Tx, Port>;
    before(async () => (fixture = await open()));
    after(() => fixture?.close());

    const transact = <Result>(work: (tx: Tx) => Promise<Result>): Promise<Result> => fixture.database.transactions.run(work);
    const claimed = ({ handler, messageId }: InboxClaim): Promise<boolean> => fixture.database.inbox.claimed(handler, messageId);

    const claim = (wanted: InboxClaim): Promise<boolean> =>
      againAfterConflicts(() => transact((tx) => fixture.database.inbox.claim(wanted, tx)));

    /** Claims in a transaction that stays open until it is told to end. */
    const claimAndHold = (wanted: InboxClaim): Promise<HeldTransaction<boolean>> =>
      holdTransaction(fixture.database.transactions, (tx) => fixture.database.inbox.claim(wanted, tx));

    const fenced = ({ lease }: HeldLane, overrides: Partial<InboxClaim> = {}): InboxClaim =>
      aClaim({ lane: { route: lease.route, lane: lease.lane, epoch: lease.epoch }, ...overrides });
    /** A lane whose lease expired, and the one who has it now. */
    async function aLostLane(): Promise<{ readonly lost: HeldLane; readonly heir: HeldLane }> {
      const route = await leaseRoute(fixture.database, { order: 'global', leaseMs: 50 });
      const taken = await takeOver(fixture.database, route);
      return { lost: route.held[0]!, heir: taken.held[0]! };
    }

    it('gives a pair once to the holder of the lane', async () => {
      const route = await leaseRoute(fixture.database);
      const pair = fenced(route.held[0]!);

      expect([await claim(pair), await claim(pair), await claimed(pair)]).to.deep.equal([true, false, true]);
    });

    it('gives nothing to one who has lost the lane, and leaves the pair to the next holder', async () => {
      const { lost, heir } = await aLostLane();
      const pair = fenced(lost);
      const key = randomUUID();

      const refused = await rejection(
        transact(async (tx) => {
          await fixture.write(key, tx);
          await fixture.database.inbox.claim(pair, tx);
        }),
      );

      expect(refused).to.include({ code: 'LEASE_LOST', ...pair.lane });
      expect(await fixture.written()).not.to.include(key);
      expect(await claimed(pair)).to.equal(false);
      expect(await claim(fenced(heir, { messageId: pair.messageId }))).to.equal(true);
    });

    it('gives nothing to one who has lost the lane while it waited for the pair', async () => {
      const route = await leaseRoute(fixture.database, { order: 'global', leaseMs: 50 });
      const pair = fenced(route.held[0]!);
      const { lane: _none, ...other } = pair;
      const before = await claimAndHold(other);

      const waiting = rejection(claim(pair));
      const heir = (await takeOver(fixture.database, route)).held[0]!;
      await before.rollBack();

      expect(await waiting).to.include({ code: 'LEASE_LOST' });
      expect(await claim(fenced(heir, { messageId: pair.messageId }))).to.equal(true);
    });

    it('lets the next holder wait for a claim that was made before it came', async () => {
      const route = await leaseRoute(fixture.database, { order: 'global', leaseMs: 50 });
      const pair = fenced(route.held[0]!);
      const first = await claimAndHold(pair);
      const heir = (await takeOver(fixture.database, route)).held[0]!;

      const second = claim(fenced(heir, { messageId: pair.messageId }));
      const waited = await isWaiting(second);
      await first.commit();

      expect([waited, await second]).to.deep.equal([true, false]);
    });

    it('gives nothing under a lane of a route that was retired', async () => {
      const route = await leaseRoute(fixture.database);
      await fixture.database.routes.retire(route.name);

      expect(await rejection(claim(fenced(route.held[0]!)))).to.include({ code: 'LEASE_LOST' });
    });

    it('looks at no lane of a route that this database does not know', async () => {
      const elsewhere = { route: `route-${randomUUID()}`, lane: 3, epoch: 7n };

      expect(await claim(aClaim({ lane: elsewhere }))).to.equal(true);
    });
  });
}
