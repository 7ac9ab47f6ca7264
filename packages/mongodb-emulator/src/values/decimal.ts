import { Decimal128 } from 'bson';

/** A decimal number: `coefficient * 10 ** exponent`, or one of the three that have no digits. */
export interface Decimal {
  readonly coefficient: bigint;
  readonly exponent: number;
  readonly special?: 'NaN' | 'Infinity' | '-Infinity';
}

export const NOT_A_NUMBER: Decimal = { coefficient: 0n, exponent: 0, special: 'NaN' };
const INFINITY: Decimal = { coefficient: 0n, exponent: 0, special: 'Infinity' };
const NEGATIVE_INFINITY: Decimal = { coefficient: 0n, exponent: 0, special: '-Infinity' };

const DIGITS = 34;
const SMALLEST_EXPONENT = -6176;
const LARGEST_EXPONENT = 6111;
/** What a double is worth when it becomes a decimal: as the server, 15 digits. */
const DIGITS_OF_DOUBLE = 15;

export function parseDecimal(text: string): Decimal | undefined {
  if (/^[+-]?nan$/i.test(text)) return NOT_A_NUMBER;
  const infinite = /^([+-]?)inf(inity)?$/i.exec(text);
  if (infinite) return infinite[1] === '-' ? NEGATIVE_INFINITY : INFINITY;
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:e([+-]?\d+))?$/i.exec(text);
  if (!match) return undefined;
  const [, sign, whole = '', fraction = '', exponent = '0'] = match;
  if (whole + fraction === '') return undefined;
  const digits = BigInt(whole + fraction);
  return { coefficient: sign === '-' ? -digits : digits, exponent: Number(exponent) - fraction.length };
}

export function decimalOf(value: Decimal128): Decimal {
  return parseDecimal(value.toString())!;
}

export function decimalOfInteger(value: bigint): Decimal {
  return { coefficient: value, exponent: 0 };
}

/** @returns the double's value to the last digit */
export function decimalOfDoubleExactly(value: number): Decimal {
  if (!Number.isFinite(value)) return specialOf(value);
  if (Number.isSafeInteger(value)) return decimalOfInteger(BigInt(value));
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, value);
  const raw = bits.getBigUint64(0);
  const biased = Number((raw >> 52n) & 0x7ffn);
  const mantissa = (raw & 0xfffffffffffffn) | (biased === 0 ? 0n : 1n << 52n);
  const power = (biased === 0 ? 1 : biased) - 1075;
  const signed = value < 0 ? -mantissa : mantissa;
  return power >= 0 ? decimalOfInteger(signed << BigInt(power)) : { coefficient: signed * 5n ** BigInt(-power), exponent: power };
}

/** @returns the double rounded to the 15 digits that it surely has */
export function decimalOfDouble(value: number): Decimal {
  if (!Number.isFinite(value)) return specialOf(value);
  if (value === 0) return { coefficient: 0n, exponent: 0 };
  return parseDecimal(value.toExponential(DIGITS_OF_DOUBLE - 1))!;
}

export function decimal128Of(decimal: Decimal): Decimal128 {
  if (decimal.special) return Decimal128.fromString(decimal.special);
  const { coefficient, exponent } = roundToDigits(decimal, DIGITS);
  if (coefficient === 0n) return Decimal128.fromString(`0E${Math.min(Math.max(exponent, SMALLEST_EXPONENT), LARGEST_EXPONENT)}`);
  const room = DIGITS - digitsOf(coefficient);
  if (exponent - room > LARGEST_EXPONENT) return Decimal128.fromString(coefficient < 0n ? '-Infinity' : 'Infinity');
  if (exponent < SMALLEST_EXPONENT) return decimal128Of(roundToExponent(decimal, SMALLEST_EXPONENT));
  return Decimal128.fromString(`${coefficient}E${exponent}`);
}

export function compareDecimals(a: Decimal, b: Decimal): number {
  if (a.special || b.special) return specialRank(a) - specialRank(b);
  const [signA, signB] = [signOf(a), signOf(b)];
  if (signA !== signB) return signA - signB;
  if (signA === 0) return 0;
  const magnitude = digitsOf(a.coefficient) + a.exponent - digitsOf(b.coefficient) - b.exponent;
  if (magnitude !== 0) return magnitude * signA;
  const [x, y] = aligned(a, b);
  return x < y ? -1 : x > y ? 1 : 0;
}

export function addDecimals(a: Decimal, b: Decimal): Decimal {
  if (a.special ?? b.special) return specialOf(numberOf(a) + numberOf(b));
  // Beyond this distance the smaller one cannot reach a digit that is kept, and the exact sum would be enormous.
  if (Math.abs(a.exponent - b.exponent) > 4 * DIGITS) {
    const [large, small] = magnitudeOf(a) >= magnitudeOf(b) ? [a, b] : [b, a];
    if (magnitudeOf(large) - magnitudeOf(small) > 2 * DIGITS) return large;
  }
  const [x, y] = aligned(a, b);
  return { coefficient: x + y, exponent: Math.min(a.exponent, b.exponent) };
}

export function negateDecimal(decimal: Decimal): Decimal {
  if (decimal.special) return specialOf(-numberOf(decimal));
  return { coefficient: -decimal.coefficient, exponent: decimal.exponent };
}

export function multiplyDecimals(a: Decimal, b: Decimal): Decimal {
  if (a.special ?? b.special) return specialOf(numberOf(a) * numberOf(b));
  return { coefficient: a.coefficient * b.coefficient, exponent: a.exponent + b.exponent };
}

/** @returns the quotient to 34 digits; the caller sees to a divisor of zero */
export function divideDecimals(a: Decimal, b: Decimal): Decimal {
  if (a.special ?? b.special) return b.special && !a.special ? { coefficient: 0n, exponent: 0 } : specialOf(numberOf(a) / numberOf(b));
  if (b.coefficient === 0n) return specialOf(numberOf(a) / 0);
  const shift = Math.max(0, DIGITS + 2 + digitsOf(b.coefficient) - digitsOf(a.coefficient));
  const scaled = a.coefficient * 10n ** BigInt(shift);
  // One more digit that is not zero keeps an inexact half from being taken for an exact one.
  const quotient = (scaled / b.coefficient) * 10n + (scaled % b.coefficient === 0n ? 0n : scaled < 0n === b.coefficient < 0n ? 1n : -1n);
  const ideal = a.exponent - b.exponent;
  const rounded = roundToDigits({ coefficient: quotient, exponent: ideal - shift - 1 }, DIGITS);
  return withoutZeros(rounded, ideal);
}

/** @returns the remainder with the sign of the dividend */
export function remainderOfDecimals(a: Decimal, b: Decimal): Decimal {
  if (a.special || b.special === 'NaN' || (!b.special && b.coefficient === 0n)) return NOT_A_NUMBER;
  if (b.special) return a;
  const [x, y] = aligned(a, b);
  return { coefficient: x % y, exponent: Math.min(a.exponent, b.exponent) };
}

/** @returns the decimal with no digit below 10 ** exponent */
export function roundToExponent(decimal: Decimal, exponent: number, rounding: Rounding = 'half-even'): Decimal {
  if (decimal.special || decimal.exponent >= exponent) return decimal;
  const drop = exponent - decimal.exponent;
  if (drop > digitsOf(decimal.coefficient) + 1) {
    const away =
      rounding === 'floor' ? (decimal.coefficient < 0n ? -1n : 0n) : rounding === 'ceiling' && decimal.coefficient > 0n ? 1n : 0n;
    return { coefficient: away, exponent };
  }
  const unit = 10n ** BigInt(drop);
  return { coefficient: roundedQuotient(decimal.coefficient, unit, rounding), exponent };
}

export type Rounding = 'half-even' | 'floor' | 'ceiling' | 'truncate';

/** @returns the whole number it is, or `undefined` */
export function integerOf(decimal: Decimal): bigint | undefined {
  if (decimal.special) return undefined;
  if (decimal.exponent >= 0)
    return decimal.exponent > 40 && decimal.coefficient !== 0n ? undefined : decimal.coefficient * 10n ** BigInt(decimal.exponent);
  const { coefficient, exponent } = withoutZeros(decimal, 0);
  return exponent === 0 || coefficient === 0n ? coefficient : undefined;
}

export function numberOf(decimal: Decimal): number {
  return decimal.special ? Number(decimal.special) : Number(`${decimal.coefficient}e${decimal.exponent}`);
}

/** @returns the same number with as few digits as can be: equal decimals become identical */
export function normalized(decimal: Decimal): Decimal {
  return decimal.special ? decimal : withoutZeros(decimal, Number.POSITIVE_INFINITY);
}

function withoutZeros(decimal: Decimal, upTo: number): Decimal {
  let { coefficient, exponent } = decimal;
  if (coefficient === 0n) return { coefficient, exponent: Number.isFinite(upTo) ? upTo : 0 };
  while (exponent < upTo && coefficient % 10n === 0n) {
    coefficient /= 10n;
    exponent += 1;
  }
  return { coefficient, exponent };
}

function roundToDigits(decimal: Decimal, digits: number): Decimal {
  const excess = digitsOf(decimal.coefficient) - digits;
  if (excess <= 0) return decimal;
  const rounded = roundToExponent(decimal, decimal.exponent + excess);
  return digitsOf(rounded.coefficient) > digits ? { coefficient: rounded.coefficient / 10n, exponent: rounded.exponent + 1 } : rounded;
}

function roundedQuotient(value: bigint, unit: bigint, rounding: Rounding): bigint {
  const [quotient, rest] = [value / unit, value % unit];
  if (rest === 0n || rounding === 'truncate') return quotient;
  if (rounding === 'floor') return rest < 0n ? quotient - 1n : quotient;
  if (rounding === 'ceiling') return rest > 0n ? quotient + 1n : quotient;
  const twice = (rest < 0n ? -rest : rest) * 2n;
  const up = twice > unit || (twice === unit && quotient % 2n !== 0n);
  return up ? quotient + (value < 0n ? -1n : 1n) : quotient;
}

function aligned(a: Decimal, b: Decimal): [bigint, bigint] {
  const exponent = Math.min(a.exponent, b.exponent);
  return [a.coefficient * 10n ** BigInt(a.exponent - exponent), b.coefficient * 10n ** BigInt(b.exponent - exponent)];
}

function digitsOf(value: bigint): number {
  const text = value.toString();
  return value < 0n ? text.length - 1 : text.length;
}

function magnitudeOf(decimal: Decimal): number {
  return decimal.coefficient === 0n ? Number.NEGATIVE_INFINITY : digitsOf(decimal.coefficient) + decimal.exponent;
}

function signOf({ coefficient }: Decimal): number {
  return coefficient === 0n ? 0 : coefficient < 0n ? -1 : 1;
}

function specialOf(value: number): Decimal {
  if (Number.isNaN(value)) return NOT_A_NUMBER;
  return value < 0 ? NEGATIVE_INFINITY : INFINITY;
}

function specialRank({ special }: Decimal): number {
  if (special === undefined) return 2;
  return special === 'NaN' ? 0 : special === '-Infinity' ? 1 : 3;
}
