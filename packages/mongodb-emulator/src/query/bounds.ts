import type { Document } from 'bson';
import { bsonTypeOf, isDocument } from '../values/bson-type.js';
import { compareValues, equalValues, rankOf } from '../values/compare.js';
import { isNaNValue } from '../values/number.js';
import { isTrue } from '../values/truth.js';
import { hasOperators } from './operator-document.js';

/**
 * What every match has among the values that an index holds for one path (`valuesAt`): at least one of them is within.
 * A range speaks of values of the same kind as its ends only.
 *
 * Two bounds of one path may be met by two elements of an array: only where no document has an array there may they be intersected.
 */
export interface Bound {
  readonly path: string;
  /** `$eq` or `$in`: one of these. `null` stands for a missing value too. */
  readonly equals?: readonly unknown[];
  readonly lower?: RangeEnd;
  readonly upper?: RangeEnd;
  /** `true`: the path leads somewhere; `false`: nowhere. */
  readonly exists?: boolean;
}

export interface RangeEnd {
  readonly value: unknown;
  readonly inclusive: boolean;
}

/** What an index can use of a filter: necessary conditions, never sufficient ones. The filter itself decides. */
export interface Bounds {
  /** All of these hold for every match. */
  readonly all: readonly Bound[];
  /** If not empty: at least one of these branches holds, all of its bounds. None of them is empty. */
  readonly or: readonly (readonly Bound[])[];
}

/** @returns the bounds of the first `$or` that has one in every branch, besides those that always hold */
export function boundsOf(filter: Document): Bounds {
  const found: Bound[] = [];
  let or: readonly (readonly Bound[])[] = [];
  for (const [name, value] of Object.entries(filter) as [string, unknown][]) {
    if (name === '$and') {
      for (const part of documentsIn(value)) {
        const inner = boundsOf(part);
        found.push(...inner.all);
        if (or.length === 0) or = inner.or;
      }
    } else if (name === '$or') {
      const branches = documentsIn(value).flatMap(branchesOf);
      if (or.length === 0 && branches.every((branch) => branch.length > 0)) or = branches;
    } else if (!name.startsWith('$')) {
      found.push(...boundsAt(name, value));
    }
  }
  return { all: found, or };
}

/** @returns whether every match of `filter` surely is one of `partial`; `false` when in doubt */
export function implies(filter: Document, partial: Document): boolean {
  const or = (filter.$or ?? []) as readonly Document[];
  return Object.entries(partial).every(([name, value]: [string, unknown]) => {
    if (name === '$and') return documentsIn(value).every((part) => implies(filter, part));
    if (name === '$or') return documentsIn(value).some((part) => implies(filter, part));
    if (name.startsWith('$')) return false;
    if (impliesAt(filter, name, value)) return true;
    return or.length > 0 && or.every((branch) => implies(branch, { [name]: value }));
  });
}

/** A branch that is itself an `$or` becomes its branches, each with what holds for all of them. */
function branchesOf(branch: Document): readonly (readonly Bound[])[] {
  const { all, or } = boundsOf(branch);
  return or.length === 0 ? [all] : or.map((inner) => [...all, ...inner]);
}

function boundsAt(path: string, condition: unknown): readonly Bound[] {
  if (!hasOperators(condition)) return equalsBound(path, [condition]);
  return Object.entries(condition).flatMap(([operator, operand]: [string, unknown]) => boundOf(path, operator, operand));
}

function boundOf(path: string, operator: string, operand: unknown): readonly Bound[] {
  switch (operator) {
    case '$eq':
      return bsonTypeOf(operand) === 'regex' ? [] : equalsBound(path, [operand]);
    case '$in':
      return Array.isArray(operand) ? equalsBound(path, operand) : [];
    case '$gt':
    case '$gte':
      return isRangeEnd(operand) ? [{ path, lower: { value: operand, inclusive: operator === '$gte' } }] : [];
    case '$lt':
    case '$lte':
      return isRangeEnd(operand) ? [{ path, upper: { value: operand, inclusive: operator === '$lte' } }] : [];
    case '$exists':
      return [{ path, exists: isTrue(operand) }];
    default:
      return [];
  }
}

/** Whole arrays are not among an index's values, nor is what a regular expression matches. */
function equalsBound(path: string, values: readonly unknown[]): readonly Bound[] {
  const usable = values.every((value) => !['array', 'regex', 'missing'].includes(bsonTypeOf(value)));
  return usable ? [{ path, equals: values }] : [];
}

function isRangeEnd(value: unknown): boolean {
  return !['array', 'regex', 'missing', 'null', 'minKey', 'maxKey'].includes(bsonTypeOf(value)) && !isNaNValue(value);
}

/** Whether what the filter says of a path is at least as strict as each thing that the partial filter says of it. */
function impliesAt(filter: Document, path: string, wanted: unknown): boolean {
  const given = conditionsAt(filter, path);
  if (!hasOperators(wanted)) return given.some(({ operator, operand }) => operator === '$eq' && equalValues(operand, wanted));
  return Object.entries(wanted).every(([operator, operand]: [string, unknown]) =>
    given.some((condition) => impliesCondition(condition, { operator, operand })),
  );
}

interface FieldCondition {
  readonly operator: string;
  readonly operand: unknown;
}

function conditionsAt(filter: Document, path: string): readonly FieldCondition[] {
  return Object.entries(filter).flatMap(([name, value]: [string, unknown]) => {
    if (name === '$and') return documentsIn(value).flatMap((part) => conditionsAt(part, path));
    if (name !== path) return [];
    if (!hasOperators(value)) return bsonTypeOf(value) === 'regex' ? [] : [{ operator: '$eq', operand: value }];
    return Object.entries(value).map(([operator, operand]: [string, unknown]) => ({ operator, operand }));
  });
}

function impliesCondition(given: FieldCondition, wanted: FieldCondition): boolean {
  if (wanted.operator === '$regex' || wanted.operator === '$options') return false;
  if (given.operator === wanted.operator && equalValues(given.operand, wanted.operand)) return true;
  if (wanted.operator === '$exists' && isTrue(wanted.operand)) return impliesExistence(given);
  if (!COMPARISONS.has(wanted.operator)) return false;
  const values = given.operator === '$in' && Array.isArray(given.operand) ? (given.operand as unknown[]) : undefined;
  if (values) return values.every((value) => impliesComparison({ operator: '$eq', operand: value }, wanted));
  return COMPARISONS.has(given.operator) && impliesComparison(given, wanted);
}

const COMPARISONS = new Set(['$eq', '$gt', '$gte', '$lt', '$lte', '$in']);

function impliesExistence({ operator, operand }: FieldCondition): boolean {
  if (operator === '$in') return Array.isArray(operand) && operand.every((value) => value !== null && bsonTypeOf(value) !== 'regex');
  return COMPARISONS.has(operator) && operand !== null && operand !== undefined;
}

function impliesComparison(given: FieldCondition, wanted: FieldCondition): boolean {
  if (wanted.operator === '$in') {
    return given.operator === '$eq' && Array.isArray(wanted.operand) && wanted.operand.some((value) => equalValues(given.operand, value));
  }
  if (rankOf(given.operand) !== rankOf(wanted.operand) || !isRangeEnd(given.operand) || !isRangeEnd(wanted.operand)) return false;
  const difference = compareValues(given.operand, wanted.operand);
  switch (wanted.operator) {
    case '$eq':
      return given.operator === '$eq' && difference === 0;
    case '$gt':
      return (given.operator === '$gt' && difference >= 0) || (['$gte', '$eq'].includes(given.operator) && difference > 0);
    case '$gte':
      return ['$gt', '$gte', '$eq'].includes(given.operator) && difference >= 0;
    case '$lt':
      return (given.operator === '$lt' && difference <= 0) || (['$lte', '$eq'].includes(given.operator) && difference < 0);
    default:
      return ['$lt', '$lte', '$eq'].includes(given.operator) && difference <= 0;
  }
}

function documentsIn(value: unknown): readonly Document[] {
  return Array.isArray(value) ? value.filter(isDocument) : [];
}
