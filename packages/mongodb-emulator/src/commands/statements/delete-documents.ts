import type { Document } from 'bson';
import type { Steps } from '../../store/steps.js';
import type { Context } from '../context.js';
import type { Target } from './target.js';

export interface DeleteStatement {
  readonly filter: Document;
  readonly isMulti: boolean;
  readonly sort: Document | undefined;
  readonly hint: unknown;
}

export interface DeleteResult {
  readonly deleted: number;
  /** Of the last document that was deleted. */
  readonly before?: Document;
}

/** Deletes the first match or all of them. @throws ServerError 112 inside a transaction */
export function deleteDocuments(context: Context, target: Target, statement: DeleteStatement): Steps<DeleteResult> {
  return statement.isMulti ? deleteMany(context, target, statement) : deleteOne(context, target, statement);
}

function* deleteOne(context: Context, { db, name }: Target, { filter, sort, hint }: DeleteStatement): Steps<DeleteResult> {
  const { store, surroundings, access } = context;
  for (;;) {
    const found = context.search(db, name, { filter, sort, hint, isLimited: true })?.first();
    if (!found) return { deleted: 0 };
    const { record, document: before } = found;
    const obstacle = surroundings.leave.obstacleAt(record, access);
    if (!obstacle) {
      store.write({ kind: 'delete', collection: store.catalogue.get(db, name)!, record, before, after: undefined }, access);
      return { deleted: 1, before };
    }
    yield obstacle;
  }
}

function* deleteMany(context: Context, { db, name }: Target, { filter, hint }: DeleteStatement): Steps<DeleteResult> {
  const { store, surroundings, access } = context;
  const search = context.search(db, name, { filter, hint });
  if (!search) return { deleted: 0 };
  const collection = store.catalogue.get(db, name)!;
  let deleted = 0;
  for (const { record } of [...search.results()]) {
    for (;;) {
      const before = search.recheck(record);
      if (!before) break;
      const obstacle = surroundings.leave.obstacleAt(record, access);
      if (!obstacle) {
        store.write({ kind: 'delete', collection, record, before, after: undefined }, access);
        deleted++;
        break;
      }
      yield obstacle;
    }
  }
  return { deleted };
}
