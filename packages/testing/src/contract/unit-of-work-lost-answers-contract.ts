import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { UnitOfWork } from '@waybill/core';
import type { OutboxRow } from '@waybill/core';
import { after, before, describe, it } from 'mocha';
import { deliverAll, leaseRoute } from '../ordering/leased-route.js';
import { Account, accountCatalogue } from './account.js';
import type { DatabaseFixture } from './fixture.js';
import { rejection } from './rejection.js';

/** The suite of units of work whose commit's answer is lost. For fixtures with `loseNextCommit`. */
export function unitOfWorkLostAnswersContract<Tx>(name: string, open: () => Promise<DatabaseFixture<Tx>>): void {
  describe(`a commit of a UnitOfWork over ${name} whose answer was lost`, () => {
    let fixture: DatabaseFixture<Tx>;
    before(async () => (fixture = await open()));
    after(() => fixture?.close());

    const unit = (): UnitOfWork<Tx> => new UnitOfWork<Tx>({ database: fixture.database, catalogue: accountCatalogue });
    const committed = (id: string): Promise<readonly OutboxRow[]> =>
      leaseRoute(fixture.database, { start: 'beginning', selection: { streams: [`account-${id}`] } }).then((route) => deliverAll(route));

    it('is found out to be committed, and is a success', async () => {
      const [id, written] = [randomUUID(), randomUUID()];

      const receipt = await unit().run(async ({ tx, track }) => {
        await fixture.write(written, tx);
        track(new Account(id)).open('ada');
        fixture.loseNextCommit!('carried-out');
      });

      expect(receipt.messages).to.have.length(1);
      expect(await fixture.written()).to.include(written);
      expect(await committed(id)).to.have.length(1);
    });

    it('is found out to be rolled back, and says that it is safe to repeat', async () => {
      const [id, written] = [randomUUID(), randomUUID()];

      const error = await rejection(
        unit().run(async ({ tx, track }) => {
          await fixture.write(written, tx);
          track(new Account(id)).open('ada');
          fixture.loseNextCommit!('lost');
        }),
      );

      expect(error).to.include({ code: 'DATABASE_UNAVAILABLE' });
      expect(await fixture.written()).to.not.include(written);
      expect(await committed(id)).to.deep.equal([]);
    });

    it('leaves the database as usable as before', async () => {
      const id = randomUUID();
      await rejection(
        unit().run(async ({ track }) => {
          track(new Account(id)).open('ada');
          fixture.loseNextCommit!('lost');
        }),
      );

      await unit().run(async ({ track }) => void track(new Account(id)).open('ada'));

      expect(await committed(id)).to.have.length(1);
    });
  });
}
