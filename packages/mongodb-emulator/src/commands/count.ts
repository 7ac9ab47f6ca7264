import type { Document } from 'bson';
import type { Context } from './context.js';
import { hintOf } from './find.js';

export function count(context: Context): Document {
  const { arguments: given, db, collection } = context;
  given.refuseCollation();
  const filter = given.document('query') ?? {};
  const all = Object.keys(filter).length === 0 ? context.store.catalogue.find(db, collection, context.access)?.count : undefined;
  const matching = all ?? countMatches(context, filter);
  const afterSkip = Math.max(0, matching - (given.count('skip') ?? 0));
  const limit = given.positiveCount('limit') ?? Number.POSITIVE_INFINITY;
  return { n: Math.min(afterSkip, limit) };
}

function countMatches(context: Context, filter: Document): number {
  const { arguments: given, db, collection } = context;
  let matches = 0;
  for (const _found of context.search(db, collection, { filter, hint: hintOf(given.fields.hint) })?.results() ?? []) matches++;
  return matches;
}
