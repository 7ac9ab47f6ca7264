import type { Document } from 'bson';
import { CODES, ServerError } from '../server-error.js';
import { bsonTypeOf, isDocument } from '../values/bson-type.js';
import { describe } from '../values/describe.js';
import { decimalOf, integerOf, roundToExponent } from '../values/decimal.js';
import { fitsInt64, numberTypeOf, toInteger, toNumber } from '../values/number.js';
import { isTrue } from '../values/truth.js';
import { allOf, elemMatch } from './array-operators.js';
import type { BitsOperator } from './bits.js';
import { bitsTest } from './bits.js';
import { equalTo, oneOf, ordered } from './comparison.js';
import type { Condition, FilterParser, ValueTest } from './match.js';
import { and, not, ofElements, ofWhole } from './match.js';
import { hasOperators } from './operator-document.js';
import { partsOfRegex, regexTest } from './regex.js';
import { typeTest } from './type-operator.js';

/** @returns what a filter says of one field: `{ field: value }`, `{ field: /regex/ }` or `{ field: { $operator: … } }` */
export function conditionOf(value: unknown, parser: FilterParser): Condition {
  if (hasOperators(value)) return operatorsOf(value, parser);
  return ofElements(bsonTypeOf(value) === 'regex' ? regexTest(value) : equalTo(value));
}

/** @throws {@link ServerError} one of the operators is unknown or has a wrong operand */
export function operatorsOf(operators: Document, parser: FilterParser): Condition {
  const conditions: Condition[] = [];
  for (const [name, operand] of Object.entries(operators) as [string, unknown][]) {
    if (name === '$options') {
      if (!('$regex' in operators)) throw new ServerError(CODES.BadValue, '$options needs a $regex');
    } else if (name !== '$comment') {
      conditions.push(name === '$regex' ? regexOf(operators) : operatorOf(name, operand, parser));
    }
  }
  return and(conditions);
}

function operatorOf(name: string, operand: unknown, parser: FilterParser): Condition {
  switch (name) {
    case '$eq':
      return ofElements(equalTo(operand));
    case '$ne':
      if (bsonTypeOf(operand) === 'regex') throw new ServerError(CODES.BadValue, "Can't have regex as arg to $ne.");
      return not(ofElements(equalTo(operand)));
    case '$gt':
      return comparisonOf(name, operand, (difference) => difference > 0);
    case '$gte':
      return comparisonOf(name, operand, (difference) => difference >= 0);
    case '$lt':
      return comparisonOf(name, operand, (difference) => difference < 0);
    case '$lte':
      return comparisonOf(name, operand, (difference) => difference <= 0);
    case '$in':
      return ofElements(oneOf(listFor(name, operand)));
    case '$nin':
      return not(ofElements(oneOf(listFor(name, operand))));
    case '$exists':
      return isTrue(operand) ? EXISTS : not(EXISTS);
    case '$type':
      return ofElements(typeTest(operand));
    case '$mod':
      return ofElements(modTest(operand));
    case '$size':
      return ofWhole(sizeTest(operand));
    case '$all':
      return allOf(operand, parser);
    case '$elemMatch':
      return elemMatch(operand, parser);
    case '$not':
      return negationOf(operand, parser);
    case '$bitsAllSet':
    case '$bitsAnySet':
    case '$bitsAllClear':
    case '$bitsAnyClear':
      return ofElements(bitsTest(name satisfies BitsOperator, operand));
    default:
      throw new ServerError(CODES.BadValue, `unknown operator: ${name}`);
  }
}

const EXISTS = ofWhole((value) => value !== undefined);

function comparisonOf(name: string, operand: unknown, holds: (difference: number) => boolean): Condition {
  if (bsonTypeOf(operand) === 'regex')
    throw new ServerError(CODES.BadValue, `Can't have RegEx as arg to predicate over field with ${name}.`);
  return ofElements(ordered(operand, holds));
}

function listFor(name: string, operand: unknown): readonly unknown[] {
  if (!Array.isArray(operand)) throw new ServerError(CODES.BadValue, `${name} needs an array`);
  const nested = operand.find(hasOperators);
  if (nested) throw new ServerError(CODES.BadValue, `cannot nest $ under ${name}`);
  return operand;
}

function negationOf(operand: unknown, parser: FilterParser): Condition {
  if (bsonTypeOf(operand) === 'regex') return not(ofElements(regexTest(operand)));
  if (!isDocument(operand)) throw new ServerError(CODES.BadValue, '$not needs a regex or a document');
  if (Object.keys(operand).length === 0) throw new ServerError(CODES.BadValue, '$not cannot be empty');
  return not(operatorsOf(operand, parser));
}

function regexOf(operators: Document): Condition {
  const options: unknown = operators.$options;
  if (options !== undefined && typeof options !== 'string') throw new ServerError(CODES.BadValue, '$options has to be a string');
  const own = typeof operators.$regex === 'string' ? '' : partsOfRegex(operators.$regex).flags;
  if (own !== '' && options !== undefined) throw new ServerError(51075, 'options set in both $regex and $options');
  return ofElements(regexTest(operators.$regex, options));
}

function sizeTest(operand: unknown): ValueTest {
  if (numberTypeOf(operand) === undefined) {
    throw new ServerError(CODES.BadValue, `Failed to parse $size. Expected a number in: $size: ${describe(operand)}`);
  }
  const size = toInteger(operand);
  if (size === undefined) throw new ServerError(CODES.BadValue, `Failed to parse $size. Expected an integer: $size: ${describe(operand)}`);
  if (size < 0n) {
    throw new ServerError(CODES.BadValue, `Failed to parse $size. Expected a non-negative number in: $size: ${describe(operand)}`);
  }
  const length = Number(size);
  return (value) => Array.isArray(value) && value.length === length;
}

function modTest(operand: unknown): ValueTest {
  if (!Array.isArray(operand)) throw new ServerError(CODES.BadValue, 'malformed mod, needs to be an array');
  if (operand.length < 2) throw new ServerError(CODES.BadValue, 'malformed mod, not enough elements');
  if (operand.length > 2) throw new ServerError(CODES.BadValue, 'malformed mod, too many elements');
  const [divisor, remainder] = operand.map(truncated);
  if (divisor === undefined) throw new ServerError(CODES.BadValue, 'malformed mod, divisor not a number');
  if (remainder === undefined) throw new ServerError(CODES.BadValue, 'malformed mod, remainder not a number');
  if (divisor === 0n) throw new ServerError(CODES.BadValue, 'divisor cannot be 0');
  return (value) => {
    const dividend = truncated(value);
    return dividend !== undefined && dividend % divisor === remainder;
  };
}

/** @returns the number without its fraction; `undefined` if it is no number or fits no int64 */
function truncated(value: unknown): bigint | undefined {
  const type = numberTypeOf(value);
  if (type === undefined) return undefined;
  const whole = type === 'double' ? wholeOf(toNumber(value)) : type === 'decimal' ? wholeOfDecimal(value) : toInteger(value);
  return whole !== undefined && fitsInt64(whole) ? whole : undefined;
}

function wholeOf(value: number): bigint | undefined {
  return Number.isFinite(value) ? BigInt(Math.trunc(value)) : undefined;
}

function wholeOfDecimal(value: unknown): bigint | undefined {
  return integerOf(roundToExponent(decimalOf(value as Parameters<typeof decimalOf>[0]), 0, 'truncate'));
}
