import { InvalidOptionsError } from '@waybill/core';
import type { ProjectionStore, StoredProjection } from '@waybill/core';
import type { MongoDBCollections } from './mongodb-collections.js';
import { translate } from './mongodb-errors.js';
import type { MongoDBTx } from './mongodb-tx.js';
import { requireOpen } from './require-open.js';
import type { ProjectionDocument } from './stored-documents.js';

/** One document a projection. A transaction that changes it conflicts with whatever changed it since the transaction began. */
export class MongoDBProjections implements ProjectionStore<MongoDBTx> {
  constructor(private readonly collections: MongoDBCollections) {}

  async register(projection: string): Promise<StoredProjection> {
    try {
      const registered = await this.collections.projections.findOneAndUpdate(
        { _id: projection },
        { $setOnInsert: { live: 1, last: 1, rebuilding: null, switchedAt: null } },
        { upsert: true, returnDocument: 'after' },
      );
      return storedProjection(registered!);
    } catch (error) {
      throw translate(error);
    }
  }

  async find(projection: string, tx?: MongoDBTx): Promise<StoredProjection | undefined> {
    try {
      const found = await this.collections.projections.findOne({ _id: projection }, tx && { session: tx.session });
      return found ? storedProjection(found) : undefined;
    } catch (error) {
      throw tx ? error : translate(error); // inside a transaction the driver must see its own
    }
  }

  async all(): Promise<readonly StoredProjection[]> {
    try {
      return (await this.collections.projections.find().sort({ _id: 1 }).toArray()).map(storedProjection);
    } catch (error) {
      throw translate(error);
    }
  }

  async beginRebuild(projection: string): Promise<StoredProjection> {
    const generation = { $ifNull: ['$rebuilding', { $add: ['$last', 1] }] };
    try {
      const begun = await this.collections.projections.findOneAndUpdate(
        { _id: projection },
        [{ $set: { rebuilding: generation, last: { $max: ['$last', generation] } } }],
        { returnDocument: 'after' },
      );
      if (begun) return storedProjection(begun);
    } catch (error) {
      throw translate(error);
    }
    throw new InvalidOptionsError(
      `There is no projection "${projection}" to rebuild; start what follows the log with it once, which makes it known.`,
    );
  }

  async switchTo(projection: string, generation: number, tx: MongoDBTx): Promise<boolean> {
    return this.#endRebuild(projection, generation, { live: generation, rebuilding: null, switchedAt: '$$NOW' }, tx);
  }

  async abandon(projection: string, generation: number, tx: MongoDBTx): Promise<boolean> {
    return this.#endRebuild(projection, generation, { rebuilding: null }, tx);
  }

  async #endRebuild(projection: string, rebuilding: number, change: object, tx: MongoDBTx): Promise<boolean> {
    requireOpen(tx);
    const { session } = tx;
    const { matchedCount } = await this.collections.projections.updateOne({ _id: projection, rebuilding }, [{ $set: change }], { session });
    return matchedCount === 1;
  }
}

const storedProjection = ({ _id, live, rebuilding, switchedAt }: ProjectionDocument): StoredProjection => ({
  projection: _id,
  live,
  rebuilding: rebuilding ?? undefined,
  switchedAt: switchedAt ?? undefined,
});
