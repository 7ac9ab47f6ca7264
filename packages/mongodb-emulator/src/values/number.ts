import { Decimal128, Double, Int32, Long } from 'bson';
import { bsonTypeOf } from './bson-type.js';
import type { Decimal } from './decimal.js';
import { compareDecimals, decimalOf, decimalOfDoubleExactly, decimalOfInteger, integerOf, numberOf } from './decimal.js';

export type NumberType = 'int' | 'long' | 'double' | 'decimal';

const MIN_INT32 = -0x8000_0000;
const MAX_INT32 = 0x7fff_ffff;
const MIN_INT64 = -(2n ** 63n);
const MAX_INT64 = 2n ** 63n - 1n;

/** @returns which number the value is; `undefined` if it is none */
export function numberTypeOf(value: unknown): NumberType | undefined {
  const type = bsonTypeOf(value);
  return type === 'int' || type === 'long' || type === 'double' || type === 'decimal' ? type : undefined;
}

/** @returns the number as a double, rounded if need be; `NaN` for anything else */
export function toNumber(value: unknown): number {
  if (typeof value === 'number') return value;
  if (value instanceof Int32 || value instanceof Double) return value.value;
  if (value instanceof Long) return value.toNumber();
  if (value instanceof Decimal128) return numberOf(decimalOf(value));
  return typeof value === 'bigint' ? Number(value) : Number.NaN;
}

/** @returns the whole number that the value is exactly, whatever its type; `undefined` if it is none */
export function toInteger(value: unknown): bigint | undefined {
  if (typeof value === 'bigint') return value;
  if (value instanceof Long) return value.toBigInt();
  if (value instanceof Decimal128) return integerOf(decimalOf(value));
  const double = toNumber(value);
  return Number.isInteger(double) ? BigInt(double) : undefined;
}

/** @returns the number's value to the last digit */
export function toDecimalExactly(value: unknown): Decimal {
  if (value instanceof Decimal128) return decimalOf(value);
  if (value instanceof Long) return decimalOfInteger(value.toBigInt());
  return typeof value === 'bigint' ? decimalOfInteger(value) : decimalOfDoubleExactly(toNumber(value));
}

export function isNaNValue(value: unknown): boolean {
  if (value instanceof Decimal128) return decimalOf(value).special === 'NaN';
  return Number.isNaN(value instanceof Double ? value.value : value);
}

export function fitsInt32(value: bigint | number): boolean {
  return value >= MIN_INT32 && value <= MAX_INT32;
}

export function fitsInt64(value: bigint): boolean {
  return value >= MIN_INT64 && value <= MAX_INT64;
}

export function int(value: number): Int32 {
  return new Int32(value);
}

export function double(value: number): Double {
  return new Double(value);
}

export function long(value: bigint): Long {
  return Long.fromBigInt(value);
}

/** @returns an int if the number fits, else a long */
export function intOrLong(value: bigint): Int32 | Long {
  return fitsInt32(value) ? new Int32(Number(value)) : Long.fromBigInt(value);
}

/** Orders numbers by value, across their types and exactly; `NaN` comes first and equals itself. */
export function compareNumbers(a: unknown, b: unknown): number {
  const [x, y] = [exactNumber(a), exactNumber(b)];
  if (x === undefined || y === undefined) return compareDecimals(toDecimalExactly(a), toDecimalExactly(b));
  if (x < y) return -1;
  if (x > y) return 1;
  if (x === y) return 0;
  return Number.isNaN(x) ? (Number.isNaN(y) ? 0 : -1) : 1;
}

/** @returns the number if a double holds it exactly and finding out is cheap */
function exactNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  if (value instanceof Int32 || value instanceof Double) return value.value;
  if (!(value instanceof Long)) return undefined;
  const near = value.toNumber();
  return Number.isSafeInteger(near) ? near : undefined;
}
