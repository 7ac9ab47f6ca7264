import { add } from '../../values/arithmetic.js';
import { compareValues } from '../../values/compare.js';
import { decimal128Of, decimalOfInteger, divideDecimals } from '../../values/decimal.js';
import { toDecimal } from '../../values/arithmetic.js';
import { double, int, numberTypeOf, toNumber } from '../../values/number.js';
import type { Operator } from '../evaluate.js';
import { isNullish, variadic } from '../evaluate.js';

/** Operators that are accumulators too; here of the operands, or of the elements of the only one. */
export const ACCUMULATING: Readonly<Record<string, Operator>> = {
  $sum: variadic((values) => totalOf(spread(values))),
  $avg: variadic((values) => averageOf(spread(values))),
  $min: variadic((values) => extremeOf(spread(values), -1)),
  $max: variadic((values) => extremeOf(spread(values), 1)),
  $stdDevPop: variadic((values) => deviationOf(spread(values), 0)),
  $stdDevSamp: variadic((values) => deviationOf(spread(values), 1)),
};

/** @returns the sum of the numbers, whatever else there is */
export function totalOf(values: readonly unknown[]): unknown {
  return values.filter((value) => numberTypeOf(value) !== undefined).reduce<unknown>((sum, value) => add(sum, value, double), int(0));
}

/** @returns the mean of the numbers, as a double or a decimal; `null` if there is none */
export function averageOf(values: readonly unknown[]): unknown {
  const numbers = values.filter((value) => numberTypeOf(value) !== undefined);
  if (numbers.length === 0) return null;
  const total = totalOf(numbers);
  if (numberTypeOf(total) === 'decimal') return decimal128Of(divideDecimals(toDecimal(total), decimalOfInteger(BigInt(numbers.length))));
  return double(toNumber(total) / numbers.length);
}

/** @returns the smallest (-1) or largest (1) value that is neither null nor missing; else `null` */
export function extremeOf(values: readonly unknown[], direction: 1 | -1): unknown {
  const known = values.filter((value) => !isNullish(value));
  if (known.length === 0) return null;
  return known.reduce((best, value) => (compareValues(value, best) * direction > 0 ? value : best));
}

/** @param lost - degrees of freedom: 0 for a population, 1 for a sample */
export function deviationOf(values: readonly unknown[], lost: 0 | 1): unknown {
  const numbers = values.filter((value) => numberTypeOf(value) !== undefined).map(toNumber);
  if (numbers.length <= lost) return null;
  const mean = numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
  const squares = numbers.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return double(Math.sqrt(squares / (numbers.length - lost)));
}

function spread(values: readonly unknown[]): readonly unknown[] {
  const [only] = values;
  return values.length === 1 && Array.isArray(only) ? only : values;
}
