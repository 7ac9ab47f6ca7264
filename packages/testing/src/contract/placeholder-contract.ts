import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { SKIPPED_TYPE, UnitOfWork } from '@waybill/core';
import type { MessagePlace, StoredMessage } from '@waybill/core';
import { after, before, describe, it } from 'mocha';
import { aMessage, anAppend } from '../builders/a-message.js';
import { leaseRoute, readNext, settleLane } from '../ordering/leased-route.js';
import { Account, accountCatalogue } from './account.js';
import type { DatabaseFixture } from './fixture.js';

/** The suite of placeholders: a message that a sink of whole streams has none of counts on loading, and does not apply. */
export function placeholderContract<Tx>(name: string, open: () => Promise<DatabaseFixture<Tx>>): void {
  describe(`placeholders in ${name}`, () => {
    let fixture: DatabaseFixture<Tx>;
    before(async () => (fixture = await open()));
    after(() => fixture?.close());

    const tail = async (stream: string): Promise<readonly StoredMessage[]> =>
      (await fixture.database.transactions.run((tx) => fixture.database.outbox.headAndTail(stream, 0n, tx))).tail;
    /** Settles that other messages took the places of these. */
    async function replace(stream: string, ...revisions: readonly bigint[]): Promise<void> {
      const route = await leaseRoute(fixture.database, { order: 'global', start: 'beginning', selection: { streams: [stream] } });
      const places: readonly MessagePlace[] = revisions.map((revision) => ({ stream, revision }));
      await settleLane(route, route.held[0]!, { placeholders: places });
      await settleLane(route, route.held[0]!, { placeholders: places }); // once more changes nothing
    }

    it('are what loading finds in the place of a message, under its id', async () => {
      const stream = `order-${randomUUID()}`;
      const messages = [aMessage('A'), aMessage('B'), aMessage('C')];
      await fixture.database.transactions.run((tx) => fixture.database.outbox.append([anAppend(stream, { messages })], tx));

      await replace(stream, 1n);

      expect((await tail(stream)).map(({ id, revision, type }) => [id, revision, type])).to.deep.equal([
        [messages[0]!.id, 0n, 'A'],
        [messages[1]!.id, 1n, SKIPPED_TYPE],
        [messages[2]!.id, 2n, 'C'],
      ]);
    });

    it('are not what other routes read: they still get the message as it was appended', async () => {
      const stream = `order-${randomUUID()}`;
      const message = aMessage('A', { payload: '{"n":7}' });
      await fixture.database.transactions.run((tx) => fixture.database.outbox.append([anAppend(stream, { messages: [message] })], tx));

      await replace(stream, 0n);

      const other = await leaseRoute(fixture.database, {
        order: 'global',
        start: 'beginning',
        selection: { types: ['A'], streams: [stream] },
      });
      const { rows, through } = await readNext(other, other.held[0]!);
      const ofTail = await fixture.database.lanes.readTail({
        ...other,
        route: other.name,
        lane: 0,
        stream,
        from: 0n,
        upTo: through,
        limit: 10,
      });
      for (const row of [...rows, ...ofTail]) expect(row).to.deep.include({ ...message, stream, revision: 0n });
      expect([rows, ofTail].map(({ length }) => length)).to.deep.equal([1, 1]);
    });

    it('let an aggregate load without what they stand for, and go on behind them', async () => {
      const id = randomUUID();
      const unit = new UnitOfWork<Tx>({ database: fixture.database, catalogue: accountCatalogue });
      await unit.run(async ({ track }) => void track(new Account(id)).open('ada').deposit(5).deposit(7));

      await replace(`account-${id}`, 1n);

      const { result, messages } = await unit.run(async ({ load }) => (await load(Account, id)).deposit(1).cents);
      expect(result).to.equal(8);
      expect(messages.map(({ revision }) => revision)).to.deep.equal([3n]);
    });
  });
}
