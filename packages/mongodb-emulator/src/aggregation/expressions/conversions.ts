import { ObjectId, UUID } from 'bson';
import type { Binary, Decimal128, Timestamp } from 'bson';
import { CODES, ServerError } from '../../server-error.js';
import { toDecimal } from '../../values/arithmetic.js';
import type { BsonType } from '../../values/bson-type.js';
import { bsonTypeOf, isDocument, TYPE_CODES } from '../../values/bson-type.js';
import { decimal128Of, integerOf, parseDecimal, roundToExponent } from '../../values/decimal.js';
import { double, fitsInt32, fitsInt64, int, long, numberTypeOf, toInteger, toNumber } from '../../values/number.js';
import { isTrue } from '../../values/truth.js';
import type { Evaluate, Operator } from '../evaluate.js';
import { isNullish, named, unary } from '../evaluate.js';
import { parseDate } from './date-parts.js';

/** From one type to another. */
export const CONVERSIONS: Readonly<Record<string, Operator>> = {
  $type: unary((value) => bsonTypeOf(value)),
  $isNumber: unary((value) => numberTypeOf(value) !== undefined),
  $toBool: unary((value) => converted(value, 'bool')),
  $toInt: unary((value) => converted(value, 'int')),
  $toLong: unary((value) => converted(value, 'long')),
  $toDouble: unary((value) => converted(value, 'double')),
  $toDecimal: unary((value) => converted(value, 'decimal')),
  $toString: unary((value) => converted(value, 'string')),
  $toObjectId: unary((value) => converted(value, 'objectId')),
  $toDate: unary((value) => converted(value, 'date')),
  $toUUID: unary((value) => (isNullish(value) ? null : uuidOf(value))),
  $convert: (operand, scope, name) => {
    const given = named(operand, scope, name, { required: ['input', 'to'], optional: ['onError', 'onNull', 'format', 'byteOrder'] });
    return convertWith(given);
  },
};

function convertWith({ input, to, onError, onNull }: Readonly<Record<string, Evaluate>>): Evaluate {
  return (frame) => {
    const [value, target] = [input!(frame), to!(frame)];
    if (isNullish(target)) return null;
    const type = typeNamed(isDocument(target) ? target.type : target);
    if (isNullish(value)) return onNull ? onNull(frame) : null;
    try {
      return converted(value, type);
    } catch (error) {
      if (onError && error instanceof ServerError && error.code === CODES.ConversionFailure) return onError(frame);
      throw error;
    }
  };
}

function typeNamed(target: unknown): BsonType {
  if (typeof target === 'string' && Object.hasOwn(TYPE_CODES, target)) return target as BsonType;
  const code = numberTypeOf(target) ? toNumber(target) : undefined;
  const found = Object.entries(TYPE_CODES).find(([, number]) => number === code);
  if (found) return found[0] as BsonType;
  throw new ServerError(CODES.BadValue, `Unknown type name: ${String(target)}`);
}

function converted(value: unknown, to: BsonType): unknown {
  if (isNullish(value)) return null;
  if (bsonTypeOf(value) === to) return value;
  switch (to) {
    case 'bool':
      return isTrue(value);
    case 'int':
      return int(Number(wholeOf(value, to, fitsInt32)));
    case 'long':
      return long(wholeOf(value, to, fitsInt64));
    case 'double':
      return double(typeof value === 'string' ? parsedDouble(value) : toNumber(numericOf(value, to)));
    case 'decimal':
      return typeof value === 'string' ? parsedDecimal(value) : decimal128Of(toDecimal(numericOf(value, to)));
    case 'string':
      return stringOf(value);
    case 'objectId':
      return objectIdOf(value);
    case 'date':
      return dateOf(value);
    default:
      throw unsupported(value, to);
  }
}

/** Booleans and dates count as numbers here. */
function numericOf(value: unknown, to: BsonType): unknown {
  if (typeof value === 'boolean') return int(value ? 1 : 0);
  if (value instanceof Date && to !== 'int') return long(BigInt(value.getTime()));
  if (numberTypeOf(value) === undefined) throw unsupported(value, to);
  return value;
}

function wholeOf(value: unknown, to: BsonType, fits: (whole: bigint) => boolean): bigint {
  if (typeof value === 'string') {
    if (!/^[+-]?\d+$/.test(value))
      throw failure(`Failed to parse number '${value}' in $convert with no onError value: Did not consume whole string.`);
    return inRange(BigInt(value), value, fits);
  }
  const number = numericOf(value, to);
  const type = numberTypeOf(number);
  if (type !== 'double' && type !== 'decimal') return inRange(toInteger(number), number, fits);
  if (!Number.isFinite(toNumber(number))) {
    throw failure(`Attempt to convert ${String(number)} value to integer type in $convert with no onError value`);
  }
  const whole = type === 'double' ? BigInt(Math.trunc(toNumber(number))) : integerOf(roundToExponent(toDecimal(number), 0, 'truncate'));
  return inRange(whole, number, fits);
}

function inRange(whole: bigint | undefined, value: unknown, fits: (whole: bigint) => boolean): bigint {
  if (whole !== undefined && fits(whole)) return whole;
  throw failure(`Conversion would overflow target type in $convert with no onError value: ${String(value)}`);
}

function parsedDouble(text: string): number {
  const decimal = parseDecimal(text);
  if (!decimal) throw failure(`Failed to parse number '${text}' in $convert with no onError value: Did not consume whole string.`);
  return toNumber(decimal128Of(decimal));
}

function parsedDecimal(text: string): Decimal128 {
  const decimal = parseDecimal(text);
  if (!decimal) throw failure(`Failed to parse number '${text}' in $convert with no onError value`);
  return decimal128Of(decimal);
}

function stringOf(value: unknown): string {
  switch (bsonTypeOf(value)) {
    case 'bool':
    case 'int':
    case 'long':
    case 'double':
    case 'decimal':
    case 'symbol':
      return String(value);
    case 'objectId':
      return (value as ObjectId).toHexString();
    case 'date':
      return (value as Date).toISOString();
    case 'binData':
      if ((value as Binary).sub_type === 4) return (value as Binary).toUUID().toHexString();
      throw unsupported(value, 'string');
    default:
      throw unsupported(value, 'string');
  }
}

function objectIdOf(value: unknown): ObjectId {
  if (typeof value !== 'string') throw unsupported(value, 'objectId');
  if (!/^[\da-f]{24}$/i.test(value)) throw failure(`Failed to parse objectId '${value}' in $convert with no onError value`);
  return new ObjectId(value);
}

function uuidOf(value: unknown): UUID {
  if (typeof value === 'string' && UUID.isValid(value)) return new UUID(value);
  if (bsonTypeOf(value) === 'binData' && (value as Binary).sub_type === 4) return (value as Binary).toUUID();
  throw failure(`Failed to parse UUID '${String(value)}' in $convert with no onError value`);
}

function dateOf(value: unknown): Date {
  switch (bsonTypeOf(value)) {
    case 'string': {
      const date = parseDate(value as string);
      if (!date) throw failure(`Error parsing date string '${value as string}' in $convert with no onError value`);
      return date;
    }
    case 'objectId':
      return (value as ObjectId).getTimestamp();
    case 'timestamp':
      return new Date(((value as Timestamp).high >>> 0) * 1000);
    case 'long':
    case 'double':
    case 'decimal':
      return new Date(Number(wholeOf(value, 'long', fitsInt64)));
    default:
      throw unsupported(value, 'date');
  }
}

function unsupported(value: unknown, to: BsonType): ServerError {
  return failure(`Unsupported conversion from ${bsonTypeOf(value)} to ${to} in $convert with no onError value`);
}

function failure(message: string): ServerError {
  return new ServerError(CODES.ConversionFailure, message);
}
