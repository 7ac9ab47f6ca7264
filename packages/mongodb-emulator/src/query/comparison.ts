import { Double, Int32, Long } from 'bson';
import { CODES, ServerError } from '../server-error.js';
import { bsonTypeOf } from '../values/bson-type.js';
import { compareValues, equalValues, rankOf } from '../values/compare.js';
import { keyOf } from '../values/key.js';
import { compareNumbers, isNaNValue, numberTypeOf } from '../values/number.js';
import type { ValueTest } from './match.js';
import { regexTest } from './regex.js';

/** `$eq`: numbers by value; `null` is also a missing field. */
export function equalTo(operand: unknown): ValueTest {
  refuseUndefined(operand);
  if (operand === null) return (value) => value === null || value === undefined;
  if (typeof operand === 'string') return (value) => value === operand || (bsonTypeOf(value) === 'symbol' && String(value) === operand);
  if (numberTypeOf(operand) !== undefined) return equalToNumber(operand);
  return (value) => equalValues(value, operand);
}

/** `$gt`, `$gte`, `$lt`, `$lte`: of values of the same kind only. */
export function ordered(operand: unknown, holds: (difference: number) => boolean): ValueTest {
  refuseUndefined(operand);
  const orEqual = holds(0);
  const type = bsonTypeOf(operand);
  if (type === 'null') return (value) => orEqual && (value === null || value === undefined);
  if (type === 'minKey' || type === 'maxKey') return (value) => value !== undefined && holds(compareValues(value, operand));
  if (isNaNValue(operand)) return (value) => orEqual && isNaNValue(value);
  const rank = rankOf(operand);
  return (value) => value !== undefined && rankOf(value) === rank && !isNaNValue(value) && holds(compareValues(value, operand));
}

/** `$in`: one of these, or a match of one of these regular expressions. */
export function oneOf(operands: readonly unknown[]): ValueTest {
  const regexes = operands.filter((operand) => bsonTypeOf(operand) === 'regex').map((regex) => regexTest(regex));
  const plain = operands.filter((operand) => bsonTypeOf(operand) !== 'regex');
  plain.forEach(refuseUndefined);
  if (regexes.length === 0 && plain.length === 1) return equalTo(plain[0]);
  const keys = new Set(plain.map(keyOf));
  const orMissing = plain.includes(null);
  return (value) => (value === undefined ? orMissing : keys.has(keyOf(value))) || regexes.some((matches) => matches(value));
}

function equalToNumber(operand: unknown): ValueTest {
  const double = operand instanceof Int32 || operand instanceof Double ? operand.value : Number.NaN;
  return (value) => {
    if (value instanceof Int32 || value instanceof Double) {
      if (value.value === double) return true;
      return !(operand instanceof Int32) && compareNumbers(value, operand) === 0;
    }
    if (value instanceof Long && operand instanceof Long) return value.high === operand.high && value.low === operand.low;
    return numberTypeOf(value) !== undefined && compareNumbers(value, operand) === 0;
  };
}

function refuseUndefined(operand: unknown): void {
  if (operand === undefined) throw new ServerError(CODES.BadValue, 'cannot compare to undefined');
}
