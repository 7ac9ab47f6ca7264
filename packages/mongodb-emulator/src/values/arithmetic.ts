import type { Decimal128, Double, Int32, Long } from 'bson';
import type { Decimal } from './decimal.js';
import { addDecimals, decimal128Of, decimalOf, decimalOfDouble, decimalOfInteger, multiplyDecimals, negateDecimal } from './decimal.js';
import type { NumberType } from './number.js';
import { double, fitsInt64, intOrLong, long, numberTypeOf, toInteger, toNumber } from './number.js';

export type BsonNumber = Int32 | Long | Double | Decimal128;

/** Called when whole numbers leave the range of an int64. */
export type Overflow = (asDouble: number) => BsonNumber;

/** Adds in the wider of the two types; ints that overflow become a long. */
export function add(a: unknown, b: unknown, overflow: Overflow): BsonNumber {
  return combine(a, b, { whole: (x, y) => x + y, real: (x, y) => x + y, decimal: addDecimals, overflow });
}

export function subtract(a: unknown, b: unknown, overflow: Overflow): BsonNumber {
  const decimal = (x: Decimal, y: Decimal) => addDecimals(x, negateDecimal(y));
  return combine(a, b, { whole: (x, y) => x - y, real: (x, y) => x - y, decimal, overflow });
}

export function multiply(a: unknown, b: unknown, overflow: Overflow): BsonNumber {
  return combine(a, b, { whole: (x, y) => x * y, real: (x, y) => x * y, decimal: multiplyDecimals, overflow });
}

/** @returns the type in which two numbers are combined */
export function widerType(a: NumberType, b: NumberType): NumberType {
  return WIDTH[a] >= WIDTH[b] ? a : b;
}

/** @returns the number as a decimal; a double with the 15 digits that it surely has */
export function toDecimal(value: unknown): Decimal {
  switch (numberTypeOf(value)) {
    case 'decimal':
      return decimalOf(value as Decimal128);
    case 'double':
      return decimalOfDouble(toNumber(value));
    default:
      return decimalOfInteger(toInteger(value)!);
  }
}

const WIDTH: Readonly<Record<NumberType, number>> = { int: 0, long: 1, double: 2, decimal: 3 };

interface Operation {
  readonly whole: (a: bigint, b: bigint) => bigint;
  readonly real: (a: number, b: number) => number;
  readonly decimal: (a: Decimal, b: Decimal) => Decimal;
  readonly overflow: Overflow;
}

function combine(a: unknown, b: unknown, { whole, real, decimal, overflow }: Operation): BsonNumber {
  const type = widerType(numberTypeOf(a)!, numberTypeOf(b)!);
  if (type === 'decimal') return decimal128Of(decimal(toDecimal(a), toDecimal(b)));
  if (type === 'double') return double(real(toNumber(a), toNumber(b)));
  const result = whole(toInteger(a)!, toInteger(b)!);
  if (!fitsInt64(result)) return overflow(real(toNumber(a), toNumber(b)));
  return type === 'int' ? intOrLong(result) : long(result);
}
