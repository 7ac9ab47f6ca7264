import type { Document } from 'bson';
import { CODES } from '../../server-error.js';
import type { Steps } from '../../store/steps.js';
import { keyOf } from '../../values/key.js';
import type { Context } from '../context.js';
import { checkId, checkSize, withId, withTimestamps } from './stored-form.js';
import { collectionToInsertInto } from './target.js';
import type { Target } from './target.js';

/** @throws ServerError 11000, 10334, 2; inside a transaction 112 */
export function* insertOne(context: Context, target: Target, given: Document): Steps<void> {
  const { store, access, surroundings } = context;
  const document = withTimestamps(withId(given), store.clusterTime);
  checkId(document);
  checkSize(document, CODES.BSONObjectTooLarge);
  const key = keyOf(document._id);
  for (;;) {
    const collection = yield* collectionToInsertInto(context, target);
    const known = collection.recordByKey(key);
    const obstacle = surroundings.leave.obstacleAtKeys(collection, known, { before: undefined, after: document }, access);
    if (!obstacle) {
      const record = known ?? collection.recordFor(key);
      return store.write({ kind: 'insert', collection, record, before: undefined, after: document }, access);
    }
    yield obstacle;
  }
}
