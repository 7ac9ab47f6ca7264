import type { MessagePlace } from '@waybill/core';
import { MaxKey } from 'mongodb';
import type { AnyBulkWriteOperation, Filter } from 'mongodb';
import { int64 } from './int64.js';
import type { MongoDBCollections } from './mongodb-collections.js';
import type { DeliveredDocument, RouteDocument } from './stored-documents.js';

/** What a route is called where it is remembered what it delivered last. */
export const deliveredAs = ({ _id, recordedAs, life }: Pick<RouteDocument, '_id' | 'recordedAs' | 'life'>): string =>
  life ?? recordedAs ?? _id;

/** The last revision of each of these streams that the route of this name delivered. */
export async function lastDelivered(
  { routes, delivered }: MongoDBCollections,
  name: string,
  streams: readonly string[],
): Promise<readonly MessagePlace[]> {
  const route = streams.length > 0 && (await routes.findOne({ _id: name, retiredAt: { $exists: false } }));
  if (!route) return [];
  const ids = streams.map((stream) => ({ route: deliveredAs(route), stream }));
  const found = await delivered.find({ _id: { $in: ids } }).toArray();
  return found.map(({ _id: { stream }, revision }) => ({ stream, revision: revision.toBigInt() }));
}

/** What to write for it; none goes back. */
export const deliveredWrites = (route: string, places: readonly MessagePlace[]): readonly AnyBulkWriteOperation<DeliveredDocument>[] =>
  places.map(({ stream, revision }) => ({
    updateOne: { filter: { _id: { route, stream } }, update: { $max: { revision: int64(revision) } }, upsert: true },
  }));

/** All that is remembered of a route, as a range of the keys. */
export const deliveredOf = (route: string): Filter<DeliveredDocument> => ({
  _id: { $gte: { route, stream: '' }, $lt: { route, stream: new MaxKey() as never } },
});
