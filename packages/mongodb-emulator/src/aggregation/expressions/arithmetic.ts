import { CODES, ServerError } from '../../server-error.js';
import { bsonTypeOf } from '../../values/bson-type.js';
import type { BsonNumber } from '../../values/arithmetic.js';
import { add, multiply, subtract, toDecimal, widerType } from '../../values/arithmetic.js';
import type { Rounding } from '../../values/decimal.js';
import {
  decimal128Of,
  decimalOfDoubleExactly,
  divideDecimals,
  numberOf,
  parseDecimal,
  remainderOfDecimals,
  roundToExponent,
} from '../../values/decimal.js';
import type { NumberType } from '../../values/number.js';
import {
  compareNumbers,
  double,
  fitsInt32,
  fitsInt64,
  int,
  intOrLong,
  long,
  numberTypeOf,
  toInteger,
  toNumber,
} from '../../values/number.js';
import type { Operator } from '../evaluate.js';
import { binary, isNullish, unary, variadic } from '../evaluate.js';

/** Numbers, and dates where a sum makes sense. Whole numbers that leave the int64 range become doubles. */
export const ARITHMETIC: Readonly<Record<string, Operator>> = {
  $add: variadic((values) => sumOf(values)),
  $subtract: binary(differenceOf),
  $multiply: variadic((values) => productOf(values)),
  $divide: binary(quotientOf),
  $mod: binary(remainderOf),
  $abs: unary((value, name) => ofNumber(name, value, absoluteOf)),
  $ceil: unary((value, name) => ofNumber(name, value, (number) => roundedTo(number, 0, 'ceiling'))),
  $floor: unary((value, name) => ofNumber(name, value, (number) => roundedTo(number, 0, 'floor'))),
  $round: variadic((values, name) => placesOf(name, values, 'half-even'), { min: 1, max: 2 }),
  $trunc: variadic((values, name) => placesOf(name, values, 'truncate'), { min: 1, max: 2 }),
  $sqrt: unary((value, name) => ofNumber(name, value, squareRootOf)),
  $exp: unary((value, name) => ofNumber(name, value, (number) => realResult(number, Math.exp(toNumber(number))))),
  $ln: unary((value, name) => ofNumber(name, value, (number) => realResult(number, logarithmOf(name, number, Math.E)))),
  $log10: unary((value, name) => ofNumber(name, value, (number) => realResult(number, logarithmOf(name, number, 10)))),
  $log: binary((value, base, name) => {
    if (isNullish(value) || isNullish(base)) return null;
    return ofNumber(name, value, (number) => realResult(number, logarithmOf(name, number, toNumber(base))));
  }),
  $pow: binary(powerOf),
  $bitAnd: variadic((values, name) => bitwise(name, values, { start: -1n, combine: (a, b) => a & b })),
  $bitOr: variadic((values, name) => bitwise(name, values, { start: 0n, combine: (a, b) => a | b })),
  $bitXor: variadic((values, name) => bitwise(name, values, { start: 0n, combine: (a, b) => a ^ b })),
  $bitNot: unary((value) => {
    if (isNullish(value)) return null;
    return wholeIn(numberTypeOf(value)!, ~toInteger(value)!);
  }),
};

/** @returns the sum as `$add` makes it; `null` if there is nothing to add somewhere */
export function sumOf(values: readonly unknown[]): unknown {
  let sum: unknown = int(0);
  let date: Date | undefined;
  for (const value of values) {
    if (isNullish(value)) return null;
    if (value instanceof Date) {
      if (date) throw new ServerError(16612, 'only one date allowed in an $add expression');
      date = value;
    } else if (numberTypeOf(value) === undefined) {
      throw new ServerError(CODES.TypeMismatch, `$add only supports numeric or date types, not ${bsonTypeOf(value)}`);
    } else {
      sum = add(sum, value, double);
    }
  }
  return date ? dateAt(date.getTime() + Math.round(toNumber(sum))) : sum;
}

function differenceOf(a: unknown, b: unknown): unknown {
  if (isNullish(a) || isNullish(b)) return null;
  if (a instanceof Date && b instanceof Date) return long(BigInt(a.getTime() - b.getTime()));
  const [typeA, typeB] = [numberTypeOf(a), numberTypeOf(b)];
  if (a instanceof Date && typeB) return dateAt(a.getTime() - Math.round(toNumber(b)));
  if (typeA && typeB) return subtract(a, b, double);
  throw new ServerError(CODES.TypeMismatch, `can't $subtract ${bsonTypeOf(b)} from ${bsonTypeOf(a)}`);
}

function productOf(values: readonly unknown[]): unknown {
  let product: BsonNumber = int(1);
  for (const value of values) {
    if (isNullish(value)) return null;
    if (numberTypeOf(value) === undefined) {
      throw new ServerError(CODES.TypeMismatch, `$multiply only supports numeric types, not ${bsonTypeOf(value)}`);
    }
    product = multiply(product, value, double);
  }
  return product;
}

function quotientOf(a: unknown, b: unknown): unknown {
  if (isNullish(a) || isNullish(b)) return null;
  const [typeA, typeB] = [numberTypeOf(a), numberTypeOf(b)];
  if (!typeA || !typeB) {
    throw new ServerError(CODES.TypeMismatch, `$divide only supports numeric types, not ${bsonTypeOf(a)} and ${bsonTypeOf(b)}`);
  }
  if (toNumber(b) === 0) throw new ServerError(CODES.BadValue, "can't $divide by zero");
  if (widerType(typeA, typeB) === 'decimal') return decimal128Of(divideDecimals(toDecimal(a), toDecimal(b)));
  return double(toNumber(a) / toNumber(b));
}

function remainderOf(a: unknown, b: unknown): unknown {
  if (isNullish(a) || isNullish(b)) return null;
  const [typeA, typeB] = [numberTypeOf(a), numberTypeOf(b)];
  if (!typeA || !typeB) throw new ServerError(16611, `$mod only supports numeric types, not ${bsonTypeOf(a)} and ${bsonTypeOf(b)}`);
  if (toNumber(b) === 0) throw new ServerError(16610, "can't $mod by zero");
  const type = widerType(typeA, typeB);
  if (type === 'decimal') return decimal128Of(remainderOfDecimals(toDecimal(a), toDecimal(b)));
  if (type === 'double') return double(toNumber(a) % toNumber(b));
  return wholeIn(type, toInteger(a)! % toInteger(b)!);
}

function ofNumber(name: string, value: unknown, apply: (number: unknown) => unknown): unknown {
  if (isNullish(value)) return null;
  if (numberTypeOf(value) === undefined) throw new ServerError(28765, `${name} only supports numeric types, not ${bsonTypeOf(value)}`);
  return apply(value);
}

function absoluteOf(number: unknown): unknown {
  if (compareNumbers(number, 0) >= 0) return number;
  const type = numberTypeOf(number)!;
  if (type === 'double') return double(Math.abs(toNumber(number)));
  if (type === 'decimal') return subtract(int(0), number, double);
  const magnitude = -toInteger(number)!;
  if (!fitsInt64(magnitude)) throw new ServerError(28680, "can't take $abs of long long min");
  return type === 'int' ? intOrLong(magnitude) : long(magnitude);
}

function placesOf(name: string, [value, places]: readonly unknown[], rounding: Rounding): unknown {
  if (isNullish(value) || places === null) return null;
  if (numberTypeOf(value) === undefined) throw new ServerError(51081, `${name} only supports numeric types, not ${bsonTypeOf(value)}`);
  const place = places === undefined ? 0n : toInteger(places);
  if (place === undefined) throw new ServerError(51082, `precision argument to  ${name} must be a integral value`);
  if (place < -20n || place > 100n)
    throw new ServerError(51083, `cannot apply ${name} with precision value ${place} value must be in [-20, 100]`);
  return roundedTo(value, Number(place), rounding);
}

function roundedTo(number: unknown, places: number, rounding: Rounding): unknown {
  const type = numberTypeOf(number)!;
  if (type === 'decimal') return decimal128Of(roundToExponent(toDecimal(number), -places, rounding));
  if (type === 'double') return double(roundedDouble(toNumber(number), places, rounding));
  if (places >= 0) return number;
  const rounded = roundToExponent({ coefficient: toInteger(number)!, exponent: 0 }, -places, rounding);
  const whole = rounded.coefficient * 10n ** BigInt(rounded.exponent);
  return type === 'int' ? intOrLong(whole) : long(whole);
}

function roundedDouble(value: number, places: number, rounding: Rounding): number {
  if (!Number.isFinite(value) || value === 0) return value;
  if (places === 0 && rounding !== 'half-even') return { floor: Math.floor, ceiling: Math.ceil, truncate: Math.trunc }[rounding](value);
  return numberOf(roundToExponent(decimalOfDoubleExactly(value), -places, rounding));
}

function squareRootOf(number: unknown): unknown {
  if (compareNumbers(number, 0) < 0 && !Number.isNaN(toNumber(number))) {
    throw new ServerError(28714, "$sqrt's argument must be greater than or equal to 0");
  }
  return realResult(number, Math.sqrt(toNumber(number)));
}

function logarithmOf(name: string, number: unknown, base: number): number {
  const value = toNumber(number);
  if (value <= 0) throw new ServerError(name === '$ln' ? 28766 : 28761, `${name}'s argument must be a positive number, but is ${value}`);
  if (base <= 0 || base === 1) throw new ServerError(28759, `${name}'s base must be a positive number not equal to 1, but is ${base}`);
  if (base === Math.E) return Math.log(value);
  return base === 10 ? Math.log10(value) : Math.log(value) / Math.log(base);
}

function powerOf(base: unknown, exponent: unknown): unknown {
  if (isNullish(base) || isNullish(exponent)) return null;
  const [typeBase, typeExponent] = [numberTypeOf(base), numberTypeOf(exponent)];
  if (!typeBase) throw new ServerError(28762, `$pow's base must be numeric, not ${bsonTypeOf(base)}`);
  if (!typeExponent) throw new ServerError(28763, `$pow's exponent must be numeric, not ${bsonTypeOf(exponent)}`);
  if (toNumber(base) === 0 && toNumber(exponent) < 0) throw new ServerError(28764, '$pow cannot take a base of 0 and a negative exponent');
  const result = toNumber(base) ** toNumber(exponent);
  const type = widerType(typeBase, typeExponent);
  if (type === 'decimal') return decimal128Of(parseDecimal(String(result))!);
  if (type === 'double' || toNumber(exponent) < 0 || Math.abs(result) > 2 ** 64) return double(result);
  const whole = toInteger(base)! ** toInteger(exponent)!;
  return fitsInt64(whole) ? wholeIn(type, whole) : double(result);
}

function bitwise(
  name: string,
  values: readonly unknown[],
  { start, combine }: { start: bigint; combine: (a: bigint, b: bigint) => bigint },
): unknown {
  let type: NumberType = 'int';
  let result = start;
  for (const value of values) {
    if (isNullish(value)) return null;
    const own = numberTypeOf(value);
    if (own !== 'int' && own !== 'long')
      throw new ServerError(CODES.TypeMismatch, `${name} only supports int and long operands, not ${bsonTypeOf(value)}.`);
    type = widerType(type, own);
    result = combine(result, toInteger(value)!);
  }
  return wholeIn(type, result);
}

/** Functions without a decimal form here are computed as doubles. */
function realResult(operand: unknown, result: number): unknown {
  return numberTypeOf(operand) === 'decimal' ? decimal128Of(parseDecimal(String(result))!) : double(result);
}

function wholeIn(type: NumberType, value: bigint): unknown {
  return type === 'int' && fitsInt32(value) ? int(Number(value)) : long(value);
}

function dateAt(ms: number): Date {
  if (!Number.isFinite(ms)) throw new ServerError(CODES.Overflow, 'date overflow in $add');
  return new Date(ms);
}
