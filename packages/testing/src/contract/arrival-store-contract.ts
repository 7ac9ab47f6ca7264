import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { ArrivalPlace, LastArrival } from '@waybill/core';
import { after, before, describe, it } from 'mocha';
import { gate } from '../builders/gate.js';
import { againAfterConflicts } from './again-after-conflicts.js';
import type { Fixture } from './fixture.js';
import { rejection } from './rejection.js';

type Port = 'transactions' | 'arrivals';

/** The suite of `ArrivalStore`: the last message of each stream that arrived, which never goes back. */
export function arrivalStoreContract<Tx>(name: string, open: () => Promise<Fixture<Tx, Port>>): void {
  describe(`ArrivalStore of ${name}`, () => {
    let fixture: Fixture<Tx, Port>;
    before(async () => (fixture = await open()));
    after(() => fixture?.close());

    const aPlace = (overrides: Partial<ArrivalPlace> = {}): ArrivalPlace => ({
      ...{ receiver: 'shipping', source: 'https://shop.example/orders', stream: `order-${randomUUID()}` },
      ...overrides,
    });
    const transact = <Result>(work: (tx: Tx) => Promise<Result>): Promise<Result> => fixture.database.transactions.run(work);
    const last = (place: ArrivalPlace): Promise<LastArrival | undefined> => transact((tx) => fixture.database.arrivals.last(place, tx));

    const record = (place: ArrivalPlace, revision: bigint, epoch?: bigint): Promise<void> =>
      againAfterConflicts(() => transact((tx) => fixture.database.arrivals.record(place, { revision, epoch }, tx)));

    it('knows nothing of a stream that never arrived', async () => {
      expect(await last(aPlace())).to.equal(undefined);
    });

    it('remembers what arrived last, with its epoch or without', async () => {
      const [told, untold] = [aPlace(), aPlace()];

      await record(told, 2n ** 60n, 2n ** 61n);
      await record(untold, 0n);

      expect(await last(told)).to.deep.equal({ revision: 2n ** 60n, epoch: 2n ** 61n });
      expect(await last(untold)).to.deep.equal({ revision: 0n, epoch: undefined });
    });

    it('goes on with each arrival', async () => {
      const place = aPlace();

      await record(place, 3n, 1n);
      await record(place, 7n, 2n);

      expect(await last(place)).to.deep.equal({ revision: 7n, epoch: 2n });
    });

    it('tells streams apart by receiver, by source and by name', async () => {
      const place = aPlace();
      await record(place, 5n, 1n);

      for (const other of [{ receiver: 'billing' }, { source: 'https://shop.example/returns' }, { stream: `${place.stream}-2` }]) {
        expect(await last({ ...place, ...other })).to.equal(undefined);
      }
    });

    it('goes back with neither revision nor epoch, each by itself', async () => {
      const place = aPlace();
      await record(place, 5n, 5n);

      await record(place, 4n, 6n);
      const afterOlderRevision = await last(place);
      await record(place, 7n, 2n);

      expect(afterOlderRevision).to.deep.equal({ revision: 5n, epoch: 6n });
      expect(await last(place)).to.deep.equal({ revision: 7n, epoch: 6n });
    });

    it('keeps the epoch when an arrival tells none, and takes the first that is told', async () => {
      const [told, untold] = [aPlace(), aPlace()];

      await record(told, 1n, 3n);
      await record(told, 2n);
      await record(untold, 1n);
      await record(untold, 2n, 3n);

      expect([await last(told), await last(untold)]).to.deep.equal([
        { revision: 2n, epoch: 3n },
        { revision: 2n, epoch: 3n },
      ]);
    });

    it('knows within a transaction what it has recorded in it', async () => {
      const place = aPlace();

      const seen = await transact(async (tx) => {
        await fixture.database.arrivals.record(place, { revision: 1n, epoch: 1n }, tx);
        await fixture.database.arrivals.record(place, { revision: 2n, epoch: 1n }, tx);
        return fixture.database.arrivals.last(place, tx);
      });

      expect(seen).to.deep.equal({ revision: 2n, epoch: 1n });
    });

    it('forgets what was recorded in a transaction that rolled back', async () => {
      const place = aPlace();
      await record(place, 1n, 1n);

      await rejection(
        transact(async (tx) => {
          await fixture.database.arrivals.record(place, { revision: 2n, epoch: 2n }, tx);
          throw new Error('no');
        }),
      );

      expect(await last(place)).to.deep.equal({ revision: 1n, epoch: 1n });
    });

    for (const before of ['none', 1n] as const)
      it(`lets one of two transactions be the next after ${before === 'none' ? 'nothing' : 'the same arrival'}`, async () => {
        const place = aPlace();
        if (before !== 'none') await record(place, before);
        const [hasRead, mayRecord] = [gate(), gate()];
        let follows: bigint | 'none' | undefined;
        const late = transact(async (tx) => {
          follows = (await fixture.database.arrivals.last(place, tx))?.revision ?? 'none';
          hasRead.open();
          await mayRecord.opened;
          await fixture.database.arrivals.record(place, { revision: 5n, epoch: undefined }, tx, follows);
        });
        await hasRead.opened;
        await transact((tx) => fixture.database.arrivals.record(place, { revision: 4n, epoch: undefined }, tx, before));

        mayRecord.open();

        const refused: unknown = await late.catch((error: unknown) => error);
        if (refused !== undefined) expect(refused).to.have.property('code', 'TRANSACTION_CONFLICT');
        expect(follows).to.equal(refused === undefined ? 4n : before); // the former: it came again by itself
      });

    it('does not go back when the older of two transactions commits last', async () => {
      const place = aPlace();
      const [hasBegun, mayRecord] = [gate(), gate()];
      const older = transact(async (tx) => {
        await fixture.database.arrivals.last(place, tx); // where a transaction sees one state, it is that of now
        hasBegun.open();
        await mayRecord.opened;
        await fixture.database.arrivals.record(place, { revision: 1n, epoch: 2n }, tx);
      });
      await hasBegun.opened;
      await record(place, 2n, 1n);

      mayRecord.open();
      const refused: unknown = await older.catch((error: unknown) => error);
      if (refused !== undefined) expect(refused).to.have.property('code', 'TRANSACTION_CONFLICT');
      if (refused !== undefined) await record(place, 1n, 2n);

      expect(await last(place)).to.deep.equal({ revision: 2n, epoch: 2n });
    });

    it('ends at the highest of many that are recorded at once', async () => {
      const place = aPlace();

      await Promise.all([4, 7, 1, 0, 6, 2, 5, 3].map((revision) => record(place, BigInt(revision), BigInt(10 - revision))));

      expect(await last(place)).to.deep.equal({ revision: 7n, epoch: 10n });
    });
  });
}
