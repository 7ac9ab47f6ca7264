import type { Document } from 'bson';
import { CODES, ServerError } from '../server-error.js';
import { identicalValues } from '../values/identical.js';

/** @throws {@link ServerError} 66: the document had an `_id`, and it is another one now, or gone */
export function refuseNewId(before: Document, after: Document, messageOf: (path: string) => string): void {
  const was: unknown = before._id;
  if (was === undefined || was === after._id || identicalValues(was, after._id)) return;
  throw new ServerError(CODES.ImmutableField, messageOf('_id'));
}

/** @returns the document with `_id`, if it has one, as its first field */
export function withIdFirst(document: Document): Document {
  if (document._id === undefined || Object.keys(document)[0] === '_id') return document;
  const { _id, ...others } = document;
  return { _id: _id as unknown, ...others };
}
