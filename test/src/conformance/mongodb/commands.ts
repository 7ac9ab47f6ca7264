import type { Document } from 'bson';

/** Commands as a driver would send them, without session and database. `more` is merged into the command. */
export const insert = (collection: string, documents: readonly Document[], more: Document = {}): Document => ({
  insert: collection,
  documents,
  ...more,
});

/** One update. `statement` is merged into it: `upsert`, `multi`, `arrayFilters`. */
export const update = (
  collection: string,
  q: Document,
  u: Document | Document[],
  statement: Document = {},
  more: Document = {},
): Document => ({
  update: collection,
  updates: [{ q, u, ...statement }],
  ...more,
});

export const upsert = (collection: string, q: Document, u: Document | Document[]): Document => update(collection, q, u, { upsert: true });

/** Deletes one match; all with `limit` 0. */
export const remove = (collection: string, q: Document, limit = 1, more: Document = {}): Document => ({
  delete: collection,
  deletes: [{ q, limit }],
  ...more,
});

export const find = (collection: string, filter: Document = {}, more: Document = {}): Document => ({ find: collection, filter, ...more });

export const findAndModify = (collection: string, query: Document, more: Document): Document => ({
  findAndModify: collection,
  query,
  ...more,
});

export const aggregate = (collection: string, pipeline: readonly Document[], more: Document = {}): Document => ({
  aggregate: collection,
  pipeline,
  cursor: {},
  ...more,
});

export const uniqueIndex = (collection: string, key: Document, more: Document = {}): Document => ({
  createIndexes: collection,
  indexes: [{ key, name: Object.keys(key).join('_'), unique: true, ...more }],
});
