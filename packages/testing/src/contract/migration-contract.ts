import { after, before, describe, it } from 'mocha';
import { expect } from 'chai';
import { anAppend } from '../builders/a-message.js';
import { deliverAll, leaseRoute } from '../ordering/leased-route.js';
import type { DatabaseFixture } from './fixture.js';

/** The suite of what a database does as a whole: `migrate` and `verify`. */
export function migrationContract<Tx>(name: string, open: () => Promise<DatabaseFixture<Tx>>): void {
  describe(`migrate and verify of ${name}`, () => {
    let fixture: DatabaseFixture<Tx>;
    before(async () => (fixture = await open()));
    after(() => fixture?.close());

    it('migrates again without harm to what is stored', async () => {
      const route = await leaseRoute(fixture.database, { selection: { streams: ['kept-'] } });
      await fixture.database.transactions.run((tx) => fixture.database.outbox.append([anAppend('kept-7')], tx));

      await fixture.database.migrate();

      expect(await deliverAll(route)).to.have.length(1);
    });

    it('migrates from several processes at once', async () => {
      const other = (await fixture.another?.()) ?? fixture.database;

      await Promise.all(Array.from({ length: 4 }, (_, nth) => (nth % 2 ? fixture.database : other).migrate()));

      await fixture.database.verify();
    });
  });
}
