import type { Document } from 'bson';
import type { Steps } from '../store/steps.js';
import type { Context } from './context.js';
import { quietCollection } from './quiet-collection.js';

export function* dropDatabase(context: Context): Steps<Document> {
  const { db, store } = context;
  for (;;) {
    const busy = store.catalogue.collections(db).find(({ writers, creator }) => writers.size > 0 || creator !== undefined);
    if (!busy) break;
    yield* quietCollection(context, db, busy.name);
  }
  if (!store.catalogue.databases().includes(db)) return {};
  store.dropDatabase(db);
  return { dropped: db };
}
