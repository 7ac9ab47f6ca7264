import type { Document } from 'bson';
import { CODES, ServerError } from '../server-error.js';
import { describe } from '../values/describe.js';
import { identicalValues } from '../values/identical.js';
import { refuseNewId } from './immutable-id.js';
import type { CompiledUpdate } from './compiled-update.js';

/** A new document in the place of the old one, of which only the `_id` stays. */
export function compileReplacement(replacement: Document): CompiledUpdate {
  const dollar = Object.keys(replacement).find((name) => name.startsWith('$'));
  if (dollar !== undefined) {
    throw new ServerError(
      CODES.DollarPrefixedFieldName,
      `The dollar ($) prefixed field '${dollar}' in '${dollar}' is not allowed in the context of an update's replacement document. Consider using an aggregation pipeline with $replaceWith.`,
    );
  }
  return { replacement: true, apply: (document) => replaced(document, replacement) };
}

/** @returns the new document under the old one's `_id`; the old one itself if they are the same to the bit */
export function replaced(document: Document, replacement: Document): Document {
  const { _id: given, ...others } = replacement as { readonly _id?: unknown };
  const id: unknown = given === undefined ? document._id : given;
  const next: Document = id === undefined ? others : { _id: id, ...others };
  refuseNewId(
    document,
    next,
    () => `After applying the update, the (immutable) field '_id' was found to have been altered to _id: ${describe(next._id)}`,
  );
  return identicalValues(document, next) ? document : next;
}
