import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { projector, UnitOfWork } from '@waybill/core';
import type { OutboxRow, UnitOfWorkOptions, WakeHint } from '@waybill/core';
import { after, before, describe, it } from 'mocha';
import { eventually } from '../builders/waiting.js';
import { deliverAll, leaseRoute } from '../ordering/leased-route.js';
import { Account, accountCatalogue, Deposited } from './account.js';
import type { Capabilities, DatabaseFixture } from './fixture.js';
import { rejection } from './rejection.js';
import { unitOfWorkAdoptionContract } from './unit-of-work-adoption-contract.js';
import { unitOfWorkLostAnswersContract } from './unit-of-work-lost-answers-contract.js';

/** The suite of a unit of work over the adapter: what only all its ports together can keep. */
export function unitOfWorkContract<Tx>(
  name: string,
  open: () => Promise<DatabaseFixture<Tx>>,
  { losesAnswers = false }: Capabilities,
): void {
  describe(`UnitOfWork over ${name}`, () => {
    let fixture: DatabaseFixture<Tx>;
    before(async () => (fixture = await open()));
    after(() => fixture?.close());

    const unit = (options: Partial<UnitOfWorkOptions<Tx>> = {}): UnitOfWork<Tx> =>
      new UnitOfWork<Tx>({ database: fixture.database, catalogue: accountCatalogue, ...options });
    const openAccount = (id: string): Promise<unknown> => unit().run(async ({ track }) => void track(new Account(id)).open('ada'));
    const loadCents = async (id: string): Promise<number> => (await unit().run(async ({ load }) => (await load(Account, id)).cents)).result;
    const committed = (id: string): Promise<readonly OutboxRow[]> =>
      leaseRoute(fixture.database, { start: 'beginning', selection: { streams: [`account-${id}`] } }).then((route) => deliverAll(route));

    describe('run', () => {
      it('commits events, projections and what the work wrote together', async () => {
        const [id, written, projected] = [randomUUID(), randomUUID(), randomUUID()];
        const deposits = projector<Tx>('deposits').on(Deposited, (_message, { tx }) => fixture.write(projected, tx));

        const receipt = await unit({ projectors: [deposits] }).run(async ({ tx, track }) => {
          await fixture.write(written, tx);
          track(new Account(id)).open('ada').deposit(5);
        });

        expect(await fixture.written()).to.include.members([written, projected]);
        expect((await committed(id)).map((row) => row.id))
          .to.deep.equal(receipt.messages.map((message) => message.id))
          .and.have.length(2);
      });

      it('commits none of them when the work, or a projector, throws', async () => {
        const [id, written] = [randomUUID(), randomUUID()];
        const failing = projector<Tx>('failing').on(Deposited, () => Promise.reject(new Error('no')));

        await rejection(
          unit({ projectors: [failing] }).run(async ({ tx, track }) => {
            await fixture.write(written, tx);
            track(new Account(id)).open('ada').deposit(5);
          }),
        );

        expect(await fixture.written()).to.not.include(written);
        expect(await committed(id)).to.deep.equal([]);
      });

      it('shows a conflict to the caller at commit, with stream, expected and actual revision, and commits nothing', async () => {
        const [id, written] = [randomUUID(), randomUUID()];
        await openAccount(id);

        const error = await rejection(
          unit().run(async ({ tx, load }) => {
            const account = await load(Account, id);
            await unit().run(async (other) => void (await other.load(Account, id)).deposit(1));
            await fixture.write(written, tx);
            account.deposit(2);
          }),
        );

        expect(error).to.include({ code: 'CONCURRENCY', stream: `account-${id}`, expectedRevision: 0n });
        expect(error).to.have.property('actualRevision').that.is.oneOf([1n, undefined]);
        expect(await fixture.written()).to.not.include(written);
        expect(await loadCents(id)).to.equal(1);
      });

      it('reloads and repeats on conflict until every one of many writers is through', async () => {
        const id = randomUUID();
        await openAccount(id);

        await Promise.all(
          Array.from({ length: 8 }, () =>
            unit().run(async ({ load }) => void (await load(Account, id)).deposit(1), { retryOnConflict: 50 }),
          ),
        );

        expect(await loadCents(id)).to.equal(8);
        expect((await committed(id)).map(({ revision }) => revision)).to.deep.equal(Array.from({ length: 9 }, (_, nth) => BigInt(nth)));
      });

      it('commits under the ids of its first try when it has to repeat', async () => {
        const id = randomUUID();
        await openAccount(id);
        const newId = randomUUID();
        let tries = 0;

        const receipt = await unit({ newId: () => newId }).run(
          async ({ load }) => {
            const account = await load(Account, id);
            if (++tries === 1) await unit().run(async (other) => void (await other.load(Account, id)).deposit(1));
            account.deposit(2);
          },
          { retryOnConflict: 3 },
        );
        const direct = await unit({ newId: () => newId }).run(async ({ track }) => void track(new Account(randomUUID())).open('ada'));

        expect(tries).to.equal(2);
        expect(receipt.messages.map((message) => message.id)).to.deep.equal(direct.messages.map((message) => message.id));
      });

      it('nudges the dispatcher after the commit', async () => {
        const hints: WakeHint[] = [];
        const stop = new AbortController();
        const listening = fixture.database.wakeUps.listen((hint) => hints.push(hint), stop.signal);

        await eventually('a nudge', async () => {
          await openAccount(randomUUID());
          return hints[0];
        });
        stop.abort();
        await listening;

        expect(hints[0]!.kind).to.equal('committed');
      });
    });

    describe('an idempotency key', () => {
      it('makes a repeat answer the first result and not run the work', async () => {
        const [id, idempotencyKey] = [randomUUID(), randomUUID()];
        let runs = 0;
        const request = () =>
          unit().run(
            async ({ track }) => {
              track(new Account(id)).open('ada');
              return { run: ++runs };
            },
            { idempotencyKey },
          );

        const [first, second] = [await request(), await request()];

        expect([first.repeated, second.repeated, runs]).to.deep.equal([false, true, 1]);
        expect({ ...second, repeated: false }).to.deep.equal(first);
        expect(await committed(id)).to.have.length(1);
      });

      it('lets one of many requests at once run the work', async () => {
        const [id, idempotencyKey] = [randomUUID(), randomUUID()];

        const receipts = await Promise.all(
          Array.from({ length: 6 }, (_, nth) =>
            unit().run(async ({ track }) => (track(new Account(id)).open('ada'), nth), { idempotencyKey, retryOnConflict: 20 }),
          ),
        );

        expect(receipts.filter(({ repeated }) => !repeated)).to.have.length(1);
        expect(new Set(receipts.map(({ result }) => result))).to.have.property('size', 1);
        expect(await committed(id)).to.have.length(1);
      });

      it('stays free when the work throws', async () => {
        const idempotencyKey = randomUUID();

        await rejection(unit().run(() => Promise.reject(new Error('no')), { idempotencyKey }));

        expect((await unit().run(async () => 'done', { idempotencyKey })).result).to.equal('done');
      });
    });

    describe('join', () => {
      it('commits with the transaction of somebody else, and not before', async () => {
        const id = randomUUID();
        let early: readonly OutboxRow[] = [];

        const receipt = await fixture.database.transactions.run(async (tx) => {
          const joined = await unit().join(tx, async ({ track }) => void track(new Account(id)).open('ada'));
          early = await committed(id);
          return joined;
        });
        receipt.committed();

        expect(early).to.deep.equal([]);
        expect((await committed(id)).map((row) => row.id))
          .to.deep.equal(receipt.messages.map((message) => message.id))
          .and.have.length(1);
      });

      it('rolls back with it', async () => {
        const id = randomUUID();

        await rejection(
          fixture.database.transactions.run(async (tx) => {
            await unit().join(tx, async ({ track }) => void track(new Account(id)).open('ada'));
            throw new Error('rolled back');
          }),
        );

        expect(await committed(id)).to.deep.equal([]);
      });
    });
  });
  unitOfWorkAdoptionContract(name, open);
  if (losesAnswers) unitOfWorkLostAnswersContract(name, open);
}
