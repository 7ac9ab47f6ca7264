import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { Snapshot } from '@waybill/core';
import { after, before, describe, it } from 'mocha';
import type { Fixture } from './fixture.js';
import { rejection } from './rejection.js';

type Port = 'transactions' | 'snapshots';

/** The suite of `SnapshotStore`: the newest state of each stream and version. */
export function snapshotStoreContract<Tx>(name: string, open: () => Promise<Fixture<Tx, Port>>): void {
  describe(`SnapshotStore of ${name}`, () => {
    let fixture: Fixture<Tx, Port>;
    before(async () => (fixture = await open()));
    after(() => fixture?.close());

    const aSnapshot = (overrides: Partial<Snapshot> = {}): Snapshot => ({
      ...{ stream: `order-${randomUUID()}`, version: 1, revision: 99n, state: '{"total":42,"note":"ü"}' },
      ...overrides,
    });
    const transact = <Result>(work: (tx: Tx) => Promise<Result>): Promise<Result> => fixture.database.transactions.run(work);
    const save = (snapshot: Snapshot): Promise<void> => transact((tx) => fixture.database.snapshots.save(snapshot, tx));
    const load = ({ stream, version }: Snapshot): Promise<Snapshot | undefined> =>
      transact((tx) => fixture.database.snapshots.load(stream, version, tx));
    const parsed = (snapshot: Snapshot | undefined): unknown => snapshot && { ...snapshot, state: JSON.parse(snapshot.state) as unknown };

    it('loads nothing for a stream without a snapshot', async () => {
      expect(await load(aSnapshot())).to.equal(undefined);
    });

    it('loads what was saved', async () => {
      const snapshot = aSnapshot({ revision: 2n ** 50n });

      await save(snapshot);

      expect(parsed(await load(snapshot))).to.deep.equal(parsed(snapshot));
    });

    it('replaces an older one', async () => {
      const older = aSnapshot();
      const newer = { ...older, revision: 199n, state: '"newer"' };

      await save(older);
      await save(newer);

      expect(await load(older)).to.deep.equal(newer);
    });

    it('keeps a newer one', async () => {
      const newer = aSnapshot({ state: '"newer"' });

      await save(newer);
      await save({ ...newer, revision: 49n, state: '"older"' });

      expect(await load(newer)).to.deep.equal(newer);
    });

    it('keeps the versions of a state apart', async () => {
      const first = aSnapshot({ state: '1' });
      const second = { ...first, version: 2, revision: 9n, state: '2' };

      await save(first);
      await save(second);

      expect([await load(first), await load(second)]).to.deep.equal([first, second]);
    });

    it('saves nothing when the transaction rolls back', async () => {
      const snapshot = aSnapshot();

      await rejection(
        transact(async (tx) => {
          await fixture.database.snapshots.save(snapshot, tx);
          throw new Error('no');
        }),
      );

      expect(await load(snapshot)).to.equal(undefined);
    });
  });
}
