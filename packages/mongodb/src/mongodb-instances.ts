import type { InstanceBeat, Instances, LiveInstance } from '@waybill/core';
import type { ClientSession, Document } from 'mongodb';
import type { MongoDBCollections } from './mongodb-collections.js';
import { translate } from './mongodb-errors.js';
import type { InstancesDocument } from './stored-documents.js';

// Of an instance that is alive for longer than it said, a clock has gone back.
const IS_ALIVE = {
  $and: [{ $gt: ['$$one.aliveUntil', '$$NOW'] }, { $lte: ['$$one.aliveUntil', { $add: ['$$NOW', '$$one.aliveMs'] }] }],
};

/** Who is alive is a document a route: to sign on, to forget who is gone and to hear of the others is one command. */
export class MongoDBInstances implements Instances {
  constructor(private readonly collections: MongoDBCollections) {}

  async beat({ route, id, name, aliveMs }: InstanceBeat): Promise<readonly LiveInstance[]> {
    const own = { $mergeObjects: [{ $literal: { id, name, aliveMs } }, { aliveUntil: { $add: ['$$NOW', aliveMs] } }] };
    const others = living({ $ne: ['$$one.id', { $literal: id }] });
    try {
      const stored = await this.collections.instances.findOneAndUpdate(
        { _id: route },
        [{ $set: { live: { $concatArrays: [others, [own]] } } }],
        { upsert: true, returnDocument: 'after' },
      );
      return instancesOf(stored!).toSorted((one, other) => (one.id < other.id ? -1 : 1));
    } catch (error) {
      throw translate(error);
    }
  }

  async leave(route: string, id: string): Promise<void> {
    try {
      await this.collections.instances.updateOne({ _id: route }, { $pull: { live: { id } } });
    } catch (error) {
      throw translate(error);
    }
  }

  async live(): Promise<readonly LiveInstance[]> {
    try {
      return await liveInstances(this.collections);
    } catch (error) {
      throw translate(error);
    }
  }
}

/** @throws errors of MongoDB as they are */
export async function liveInstances({ instances }: MongoDBCollections, session?: ClientSession): Promise<readonly LiveInstance[]> {
  const found = await instances.aggregate<InstancesDocument>([{ $project: { live: living() } }], { session }).toArray();
  return found.flatMap(instancesOf);
}

const living = (...conditions: readonly Document[]): Document => ({
  $filter: { input: { $ifNull: ['$live', []] }, as: 'one', cond: { $and: [IS_ALIVE, ...conditions] } },
});

const instancesOf = ({ _id: route, live }: InstancesDocument): readonly LiveInstance[] =>
  live.map(({ id, name, aliveUntil }) => ({ route, id, name, aliveUntil }));
