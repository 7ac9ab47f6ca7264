import type { Document } from 'bson';
import { Double } from 'bson';
import { compileFilter } from '../query/filter.js';
import type { Context } from './context.js';

/** Sizes are those of nothing: what is held in memory takes no room on disk. */
export function listDatabases({ arguments: given, store, variables }: Context): Document {
  const filter = compileFilter(given.document('filter') ?? {}, variables);
  const described = store.catalogue
    .databases()
    .filter((db) => store.catalogue.collections(db).some(({ creator }) => creator === undefined))
    .map((name) => ({ name, sizeOnDisk: new Double(0), empty: false }))
    .filter((database) => filter.matches(database));
  if (given.flag('nameOnly')) return { databases: described.map(({ name }) => ({ name })) };
  return { databases: described, totalSize: new Double(0), totalSizeMb: new Double(0) };
}
