import type { Document } from 'bson';
import { compareValues, rankOf } from '../values/compare.js';
import { toNumber } from '../values/number.js';
import type { CollectionIndex } from './collection-index.js';
import type { Constraint, Constraints } from './constraints.js';
import type { IndexField } from './index-definition.js';
import type { IndexKey, KeyRange } from './key-range.js';

export interface IndexRanges {
  /** In the order in which they are read. */
  readonly ranges: readonly KeyRange[];
  /** How many leading fields are pinned down. */
  readonly equalities: number;
  /** The field behind them has an end, at least. */
  readonly hasRange: boolean;
  readonly isBackward: boolean;
  /** Reading gives the order that was asked for; true also if none was. */
  readonly isSorted: boolean;
}

const MOST_RANGES = 4_096;

/** The parts of an index that can hold a match. */
export function rangesOf(index: CollectionIndex, constraints: Constraints, sort: Document | undefined): IndexRanges {
  const { fields } = index.definition;
  let prefixes: readonly IndexKey[] = [[]];
  let equalities = 0;
  for (const { path, direction } of fields) {
    const equals = constraints.get(path)?.equals;
    if (!equals || prefixes.length * equals.length > MOST_RANGES) break;
    const values = inOrder(equals, direction);
    prefixes = prefixes.flatMap((prefix) => values.map((value) => [...prefix, value]));
    equalities++;
  }
  const next = fields[equalities];
  const constraint = next && constraints.get(next.path);
  const hasRange = constraint?.lower !== undefined || constraint?.upper !== undefined;
  const isBackward = directionFor(fields, constraints, sort) === -1;
  const ranges = prefixes.map((prefix) => rangeOf(prefix, hasRange ? constraint : undefined, index.isMultikey));
  return {
    ranges: isBackward ? ranges.reverse() : ranges,
    equalities,
    hasRange,
    isBackward,
    isSorted: !sort || (!index.isMultikey && directionFor(fields, constraints, sort) !== undefined),
  };
}

function rangeOf(prefix: IndexKey, constraint: Constraint | undefined, isMultikey: boolean): KeyRange {
  const { lower, upper } = constraint ?? {};
  // One element of an array may meet one end and another the other.
  if (lower && upper && (isMultikey || rankOf(lower.value) !== rankOf(upper.value))) return { prefix, lower };
  return { prefix, lower, upper };
}

/** The direction in which the index gives the wanted order; undefined if in none. */
function directionFor(fields: readonly IndexField[], constraints: Constraints, sort: Document | undefined): 1 | -1 | undefined {
  const isPinned = (path: string): boolean => constraints.get(path)?.equals?.length === 1;
  const wanted = Object.entries(sort ?? {}).filter(([path]) => !isPinned(path));
  let reading: 1 | -1 | undefined;
  for (const { path, direction } of fields) {
    if (wanted.length === 0) break;
    const [next, order] = wanted[0]! as [string, unknown];
    if (next !== path) {
      if (isPinned(path)) continue;
      return undefined;
    }
    const sign = toNumber(order) * direction > 0 ? 1 : -1;
    if (reading !== undefined && sign !== reading) return undefined;
    reading = sign;
    wanted.shift();
  }
  return wanted.length === 0 ? (reading ?? 1) : undefined;
}

function inOrder(values: readonly unknown[], direction: 1 | -1): readonly unknown[] {
  if (values.length < 2) return values;
  const sorted = [...values].sort((one, other) => compareValues(one, other) * direction);
  return sorted.filter((value, at) => at === 0 || compareValues(value, sorted[at - 1]) !== 0);
}
