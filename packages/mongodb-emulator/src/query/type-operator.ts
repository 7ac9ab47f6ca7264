import { CODES, ServerError } from '../server-error.js';
import type { BsonType } from '../values/bson-type.js';
import { bsonTypeOf, TYPE_CODES } from '../values/bson-type.js';
import { numberTypeOf, toInteger } from '../values/number.js';
import type { ValueTest } from './match.js';

/** `$type`: by name, by number, or one of several. */
export function typeTest(operand: unknown): ValueTest {
  const operands: readonly unknown[] = Array.isArray(operand) ? operand : [operand];
  if (operands.length === 0) throw new ServerError(CODES.FailedToParse, '$type must match at least one type');
  const types = new Set(operands.flatMap(typesNamed));
  return (value) => value !== undefined && types.has(bsonTypeOf(value));
}

function typesNamed(operand: unknown): readonly BsonType[] {
  if (operand === 'number') return ['int', 'long', 'double', 'decimal'];
  if (typeof operand === 'string') {
    if (operand === 'undefined') return [];
    if (operand === 'missing' || !Object.hasOwn(TYPE_CODES, operand))
      throw new ServerError(CODES.BadValue, `Unknown type name alias: ${operand}`);
    return [operand as BsonType];
  }
  if (numberTypeOf(operand) === undefined) throw new ServerError(CODES.TypeMismatch, 'type must be represented as a number or a string');
  const code = Number(toInteger(operand) ?? Number.NaN);
  if (code === 6) return [];
  const found = Object.entries(TYPE_CODES).find(([name, number]) => number === code && name !== 'missing');
  if (!found) throw new ServerError(CODES.BadValue, `Invalid numerical type code: ${String(operand)}`);
  return [found[0] as BsonType];
}
