import type { IndexField } from './index-definition.js';
import { compareValues, rankOf } from '../values/compare.js';

/** The values of a document in an index, one for each field. */
export type IndexKey = readonly unknown[];

export interface End {
  readonly value: unknown;
  readonly inclusive: boolean;
}

/**
 * A part of an index: all keys that begin with `prefix` and whose next value lies between the ends. With one end only, values of its own
 * kind: `{ $gt: 5 }` speaks of numbers.
 */
export interface KeyRange {
  readonly prefix: IndexKey;
  readonly lower?: End | undefined;
  readonly upper?: End | undefined;
}

export function compareKeys(one: IndexKey, other: IndexKey, fields: readonly IndexField[]): number {
  for (let at = 0; at < fields.length; at++) {
    const order = compareValues(one[at], other[at]);
    if (order !== 0) return order * fields[at]!.direction;
  }
  return 0;
}

/** Where a key lies relative to the range, in the order of the index. */
export function placeOf(key: IndexKey, { prefix, lower, upper }: KeyRange, fields: readonly IndexField[]): number {
  const width = prefix.length;
  for (let at = 0; at < width; at++) {
    const order = compareValues(key[at], prefix[at]);
    if (order !== 0) return order * fields[at]!.direction;
  }
  if (!lower && !upper) return 0;
  return placeBetween(key[width], lower, upper) * fields[width]!.direction;
}

function placeBetween(value: unknown, lower: End | undefined, upper: End | undefined): number {
  if (lower) {
    const order = compareValues(value, lower.value);
    if (order < 0 || (order === 0 && !lower.inclusive)) return -1;
    if (!upper) return rankOf(value) === rankOf(lower.value) ? 0 : 1;
  }
  const order = compareValues(value, upper!.value);
  if (order > 0 || (order === 0 && !upper!.inclusive)) return 1;
  return lower || rankOf(value) === rankOf(upper!.value) ? 0 : -1;
}
