import type { Bound } from '../query/bounds.js';
import { compareValues, equalValues, rankOf } from '../values/compare.js';
import type { End } from './key-range.js';

/** What a filter says about the values at one path. */
export interface Constraint {
  /** One of these; undefined if it says nothing of the kind. */
  readonly equals: readonly unknown[] | undefined;
  readonly lower: End | undefined;
  readonly upper: End | undefined;
  /** A document without the field cannot match. */
  readonly needsValue: boolean;
}

export type Constraints = ReadonlyMap<string, Constraint>;

const NOTHING: Constraint = { equals: undefined, lower: undefined, upper: undefined, needsValue: false };

/** Joins the bounds of each path. Both ends of a range hold at once only where no document has an array: see `rangesOf`. */
export function constraintsOf(bounds: readonly Bound[]): Constraints {
  const constraints = new Map<string, Constraint>();
  for (const bound of bounds) constraints.set(bound.path, join(constraints.get(bound.path) ?? NOTHING, bound));
  return constraints;
}

function join(known: Constraint, { equals, lower, upper, exists }: Bound): Constraint {
  const isPresent = exists === true || (equals ? !equals.some(isNull) : isNotNull(lower) || isNotNull(upper));
  return {
    equals: fewer(known.equals, equals),
    lower: tighter(known.lower, lower, 1),
    upper: tighter(known.upper, upper, -1),
    needsValue: known.needsValue || isPresent,
  };
}

function fewer(one: readonly unknown[] | undefined, other: readonly unknown[] | undefined): readonly unknown[] | undefined {
  if (!one || !other) return one ?? other;
  return other.length < one.length ? other : one;
}

/** Of two ends the inner one. Ends of different kinds contradict each other, so either will do. */
function tighter(one: End | undefined, other: End | undefined, direction: 1 | -1): End | undefined {
  if (!one || !other) return one ?? other;
  if (rankOf(one.value) !== rankOf(other.value)) return one;
  const order = compareValues(one.value, other.value) * direction;
  if (order === 0) return one.inclusive ? other : one;
  return order > 0 ? one : other;
}

function isNotNull(end: End | undefined): boolean {
  return end !== undefined && !isNull(end.value);
}

function isNull(value: unknown): boolean {
  return value === undefined || equalValues(value, null);
}
