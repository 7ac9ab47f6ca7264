import { ServerError } from '../../server-error.js';
import { bsonTypeOf } from '../../values/bson-type.js';
import { keyOf } from '../../values/key.js';
import { isTrue } from '../../values/truth.js';
import type { Operator } from '../evaluate.js';
import { binary, isNullish, unary, variadic } from '../evaluate.js';

/** Arrays as sets: without order, without repetition. */
export const SETS: Readonly<Record<string, Operator>> = {
  $setUnion: variadic((values) => {
    if (values.some(isNullish)) return null;
    return [...distinct(values.flatMap((value) => arrayFor('$setUnion', 17043, value))).values()];
  }),
  $setIntersection: variadic((values) => {
    if (values.some(isNullish)) return null;
    const [first = [], ...others] = values.map((value) => arrayFor('$setIntersection', 17047, value));
    const sets = others.map(distinct);
    return [...distinct(first)].filter(([key]) => sets.every((set) => set.has(key))).map(([, value]) => value);
  }),
  $setDifference: binary((a, b) => {
    if (isNullish(a) || isNullish(b)) return null;
    const without = distinct(arrayFor('$setDifference', 17049, b));
    return [...distinct(arrayFor('$setDifference', 17048, a))].filter(([key]) => !without.has(key)).map(([, value]) => value);
  }),
  $setEquals: variadic(
    (values) => {
      const [first, ...others] = values.map((value) => distinct(arrayFor('$setEquals', 17044, value)));
      return others.every((set) => set.size === first!.size && [...set.keys()].every((key) => first!.has(key)));
    },
    { min: 2, max: Number.POSITIVE_INFINITY },
  ),
  $setIsSubset: binary((a, b) => {
    const all = distinct(arrayFor('$setIsSubset', 17042, b));
    return [...distinct(arrayFor('$setIsSubset', 17046, a)).keys()].every((key) => all.has(key));
  }),
  $anyElementTrue: unary((value) => arrayFor('$anyElementTrue', 17041, value).some(isTrue)),
  $allElementsTrue: unary((value) => arrayFor('$allElementsTrue', 17040, value).every(isTrue)),
};

function distinct(values: readonly unknown[]): Map<string, unknown> {
  const found = new Map<string, unknown>();
  for (const value of values) {
    const key = keyOf(value);
    if (!found.has(key)) found.set(key, value);
  }
  return found;
}

function arrayFor(name: string, code: number, value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new ServerError(code, `All operands of ${name} must be arrays. One argument is of type: ${bsonTypeOf(value)}`);
}
