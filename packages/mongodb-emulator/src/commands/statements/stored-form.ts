import { ObjectId, Timestamp } from 'bson';
import type { Document } from 'bson';
import { CODES, ServerError } from '../../server-error.js';
import { timestampOf } from '../../store/cluster-time.js';
import type { ClusterTime } from '../../store/cluster-time.js';
import { excessOf, MOST_DOCUMENT_BYTES } from '../../store/document-size.js';
import { bsonTypeOf } from '../../values/bson-type.js';

const NO_ID: ReadonlySet<string> = new Set(['array', 'regex', 'missing']);

/** A document as it is stored: `_id` in front, made if there is none. */
export function withId(document: Document): Document {
  for (const first in document) {
    if (first === '_id' && document._id !== undefined) return document;
    break;
  }
  const { _id = new ObjectId(), ...rest } = document;
  return { _id: _id as unknown, ...rest };
}

/** @throws ServerError 2 for a kind of value that `_id` cannot have */
export function checkId({ _id }: Document): void {
  const type = bsonTypeOf(_id);
  if (NO_ID.has(type)) throw new ServerError(CODES.BadValue, `can't use a ${type} for _id`);
}

/**
 * A document with the server's time in its empty timestamps, as inserts and replacements have it: at the top level, and not in `_id`. Update
 * operators and pipelines leave them empty, in upserts too.
 */
export function withTimestamps(document: Document, clusterTime: ClusterTime): Document {
  let filled: Document | undefined;
  for (const field in document) {
    const value = document[field] as unknown;
    if (field === '_id' || !(value instanceof Timestamp) || !value.isZero()) continue;
    filled ??= { ...document };
    filled[field] = timestampOf(clusterTime.next());
  }
  return filled ?? document;
}

/** @throws ServerError with this code */
export function checkSize(document: Document, code: number): void {
  const bytes = excessOf(document);
  if (bytes === undefined) return;
  throw new ServerError(code, `object to write too large. size in bytes: ${bytes}, max size: ${MOST_DOCUMENT_BYTES}`);
}
