import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { UnitOfWork } from '@waybill/core';
import type { OutboxRow, UnitOfWorkOptions } from '@waybill/core';
import { after, before, describe, it } from 'mocha';
import { gate } from '../builders/gate.js';
import { deliverAll, leaseRoute } from '../ordering/leased-route.js';
import { Account, accountCatalogue } from './account.js';
import type { DatabaseFixture } from './fixture.js';
import { OlderHistory } from './older-history.js';
import { rejection } from './rejection.js';

/** The suite of units of work that take over streams which an event store had before Waybill. */
export function unitOfWorkAdoptionContract<Tx>(name: string, open: () => Promise<DatabaseFixture<Tx>>): void {
  describe(`adoption by a UnitOfWork over ${name}`, () => {
    let fixture: DatabaseFixture<Tx>;
    before(async () => (fixture = await open()));
    after(() => fixture?.close());

    const unit = (options: Partial<UnitOfWorkOptions<Tx>> = {}): UnitOfWork<Tx> =>
      new UnitOfWork<Tx>({ database: fixture.database, catalogue: accountCatalogue, ...options });
    const committed = (id: string): Promise<readonly OutboxRow[]> =>
      leaseRoute(fixture.database, { start: 'beginning', selection: { streams: [`account-${id}`] } }).then((route) => deliverAll(route));
    const adopt = (history: OlderHistory, id: string, cents: number, between: () => void | Promise<void> = () => {}) =>
      unit({ history }).run(async ({ load }) => {
        const account = await load(Account, id);
        await between();
        account.deposit(cents);
      });

    it('goes on behind the revision at which the event history had the stream', async () => {
      const [id, history] = [randomUUID(), new OlderHistory()];
      history.append(`account-${id}`, 1, 2, 3);

      const receipt = await adopt(history, id, 4);

      expect(receipt.messages.map(({ revision }) => revision)).to.deep.equal([3n]);
      expect((await unit({ history }).run(async ({ load }) => (await load(Account, id)).cents)).result).to.equal(10);
    });

    it('leaves one winner of two racers', async () => {
      const [id, history] = [randomUUID(), new OlderHistory()];
      history.append(`account-${id}`, 1);
      const meeting = [gate(), gate()] as const;
      const meet = (mine: number) => async () => {
        meeting[mine]!.open();
        await meeting[1 - mine]!.opened;
      };

      const outcomes = await Promise.allSettled([adopt(history, id, 10, meet(0)), adopt(history, id, 20, meet(1))]);

      const lost = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
      expect(lost).to.have.length(1);
      expect((lost[0] as { code?: string }).code).to.be.oneOf(['CONCURRENCY', 'TRANSACTION_CONFLICT']);
      expect((await committed(id)).map(({ revision }) => revision)).to.deep.equal([1n]);
    });

    it('is refused when somebody else took the stream over in between', async () => {
      const [id, history] = [randomUUID(), new OlderHistory()];
      history.append(`account-${id}`, 1);

      const error = await rejection(adopt(history, id, 10, async () => void (await adopt(history, id, 20))));

      expect(error).to.include({ code: 'CONCURRENCY', stream: `account-${id}`, expectedRevision: 0n });
      expect((await committed(id)).map(({ revision }) => revision)).to.deep.equal([1n]);
    });

    it('is found out by the next load when a foreign program appended in between', async () => {
      const [id, history] = [randomUUID(), new OlderHistory()];
      history.append(`account-${id}`, 1);
      const { messages } = await adopt(history, id, 10, () => history.append(`account-${id}`, 99));

      const error = await rejection(unit({ history }).run(({ load }) => load(Account, id)));

      expect(error).to.include({ code: 'STREAM_DIVERGED', revision: 1n, outboxMessageId: messages[0]!.id });
    });
  });
}
