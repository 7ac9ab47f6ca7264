import { compareValues } from '../../values/compare.js';
import { int } from '../../values/number.js';
import type { Operator } from '../evaluate.js';
import { binary } from '../evaluate.js';

/** Comparisons of any two values, in the order of types. */
export const COMPARISONS: Readonly<Record<string, Operator>> = {
  $eq: binary((a, b) => compareValues(a, b) === 0),
  $ne: binary((a, b) => compareValues(a, b) !== 0),
  $gt: binary((a, b) => compareValues(a, b) > 0),
  $gte: binary((a, b) => compareValues(a, b) >= 0),
  $lt: binary((a, b) => compareValues(a, b) < 0),
  $lte: binary((a, b) => compareValues(a, b) <= 0),
  $cmp: binary((a, b) => int(Math.sign(compareValues(a, b)))),
};
