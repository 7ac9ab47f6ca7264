import type { Document } from 'bson';
import { ServerError } from '../server-error.js';
import { compareValues } from '../values/compare.js';
import { numberTypeOf, toNumber } from '../values/number.js';
import { fieldOf, valuesAt } from '../values/path.js';

const INVALID_SORT_KEY = 15975;

/** @throws {@link ServerError} the sort is not valid */
export function compileSort(sort: Document): (a: Document, b: Document) => number {
  const keys = keysOf(sort);
  return (a, b) => {
    for (const { path, direction } of keys) {
      const difference = compareValues(sortValue(a, path, direction), sortValue(b, path, direction));
      if (difference !== 0) return difference * direction;
    }
    return 0;
  };
}

/** @returns the documents in order; each one's keys are found once. Documents that compare equal keep their order. */
export function sortDocuments(documents: Iterable<Document>, sort: Document): readonly Document[] {
  const keys = keysOf(sort);
  const rows = Array.from(documents, (document) => ({
    document,
    values: keys.map(({ path, direction }) => sortValue(document, path, direction)),
  }));
  rows.sort((a, b) => {
    for (let at = 0; at < keys.length; at += 1) {
      const difference = compareValues(a.values[at], b.values[at]);
      if (difference !== 0) return difference * keys[at]!.direction;
    }
    return 0;
  });
  return rows.map(({ document }) => document);
}

interface SortKey {
  readonly path: string;
  readonly direction: 1 | -1;
}

function keysOf(sort: Document): readonly SortKey[] {
  return Object.entries(sort).map(([path, order]: [string, unknown]) => ({ path, direction: directionOf(path, order) }));
}

function directionOf(path: string, order: unknown): 1 | -1 {
  if (path.startsWith('$'))
    throw new ServerError(16410, `FieldPath field names may not start with '$'. Consider using $getField or $setField.`);
  if (numberTypeOf(order) === undefined) {
    throw new ServerError(INVALID_SORT_KEY, "$sort key ordering must be specified using a number or {$meta: 'textScore'}");
  }
  const direction = toNumber(order);
  if (direction === 1 || direction === -1) return direction;
  throw new ServerError(INVALID_SORT_KEY, '$sort key ordering must be 1 (for ascending) or -1 (for descending)');
}

/** An array sorts by its smallest element, or by its largest in descending order; an empty one before `null`. */
function sortValue(document: Document, path: string, direction: 1 | -1): unknown {
  if (!path.includes('.')) {
    const value = fieldOf(document, path);
    if (!Array.isArray(value)) return value ?? null;
  }
  return valuesAt(document, path).reduce((best, value) => (compareValues(value, best) * direction < 0 ? value : best));
}
