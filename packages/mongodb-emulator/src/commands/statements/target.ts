import type { Collection } from '../../store/collection.js';
import { writeConflict } from '../../store/leave-to-write.js';
import type { Steps } from '../../store/steps.js';
import type { Context } from '../context.js';

/** The collection that a statement is about: not always of the command's own database. */
export interface Target {
  readonly db: string;
  readonly name: string;
}

/** The collection to insert into, created if it is not there. Another transaction that is just creating it comes first. */
export function* collectionToInsertInto({ store, access }: Context, { db, name }: Target): Steps<Collection> {
  for (;;) {
    const collection = store.catalogue.get(db, name);
    if (!collection) return store.create(db, name, {}, access);
    const { creator } = collection;
    if (creator === undefined || creator === access.writer) return collection;
    if (access.writer) throw writeConflict();
    yield creator.ending;
  }
}
