import type { Document } from 'bson';
import { compileFilter } from '../query/filter.js';
import { keyOf } from '../values/key.js';
import { valuesAt } from '../values/path.js';
import type { Context } from './context.js';
import { hintOf } from './find.js';

export function distinct(context: Context): Document {
  const { arguments: given, db, collection, variables, standing } = context;
  given.refuseCollation();
  const path = given.requiredString('key');
  const hasPath = compileFilter({ [path]: { $exists: true } }, variables); // a missing field is no value
  const values = new Map<string, unknown>();
  const search = context.search(db, collection, { filter: given.document('query') ?? {}, hint: hintOf(given.fields.hint) });
  for (const { document } of search?.results() ?? []) {
    if (!hasPath.matches(document)) continue;
    for (const value of valuesAt(document, path)) if (value !== undefined) values.set(keyOf(value), value);
  }
  const { atClusterTime } = standing;
  return { values: [...values.values()], ...(atClusterTime ? { atClusterTime } : {}) };
}
