import type { Document } from 'bson';
import { documentTestOf, valueConditionOf } from '../query/filter-parser.js';
import { conditionOfValue } from '../query/match.js';
import { hasOperators } from '../query/operator-document.js';
import { regexTest } from '../query/regex.js';
import { compileSort } from '../query/sort.js';
import type { Variables } from '../query/variables.js';
import { CODES, ServerError } from '../server-error.js';
import { bsonTypeOf, isDocument, isList } from '../values/bson-type.js';
import { compareValues, equalValues } from '../values/compare.js';
import { describe } from '../values/describe.js';
import { identicalValues } from '../values/identical.js';
import { keyOf } from '../values/key.js';
import { numberTypeOf, toInteger, toNumber } from '../values/number.js';
import type { Change } from './change-at.js';
import { idOf } from './field-operators.js';

export function pushing(operand: unknown, field: string): Change {
  const { each, position, sort, slice } = clausesOfPush(operand);
  return {
    creates: true,
    changed(value, document) {
      if (value !== undefined && !isList(value)) {
        throw new ServerError(
          CODES.BadValue,
          `The field '${field}' must be an array but is of type ${bsonTypeOf(value)} in document ${idOf(document)}`,
        );
      }
      const before: readonly unknown[] = value ?? [];
      const at = position === undefined ? before.length : position < 0 ? Math.max(0, before.length + position) : position;
      let after: readonly unknown[] = before.toSpliced(at, 0, ...each);
      if (sort) after = after.toSorted(sort);
      if (slice !== undefined) after = slice < 0 ? after.slice(slice) : after.slice(0, slice);
      return value !== undefined && identicalValues(before, after) ? value : after;
    },
  };
}

export function addingToSet(operand: unknown, field: string): Change {
  const added = isDocument(operand) && '$each' in operand ? eachOf(operand, '$addToSet') : [operand];
  return {
    creates: true,
    changed(value) {
      if (value !== undefined && !isList(value)) {
        throw new ServerError(
          CODES.BadValue,
          `Cannot apply $addToSet to non-array field. Field named '${field}' has non-array type ${bsonTypeOf(value)}`,
        );
      }
      const before: readonly unknown[] = value ?? [];
      const known = new Set(before.map(keyOf));
      const news = added.filter((element) => !known.has(keyOf(element)) && known.add(keyOf(element)));
      return value !== undefined && news.length === 0 ? value : [...before, ...news];
    },
  };
}

export function pulling(operand: unknown, variables: Variables): Change {
  return culling('$pull', pulledBy(operand, variables));
}

export function pullingAll(operand: unknown): Change {
  if (!isList(operand)) {
    throw new ServerError(CODES.BadValue, `$pullAll requires an array argument but was given a ${bsonTypeOf(operand)}`);
  }
  return culling('$pullAll', (element) => operand.some((pulled) => equalValues(element, pulled)));
}

export function popping(operand: unknown, field: string): Change {
  if (numberTypeOf(operand) === undefined) {
    throw new ServerError(CODES.FailedToParse, `Expected a number in: ${field}: ${describe(operand)}`);
  }
  const end = toNumber(operand);
  if (end !== 1 && end !== -1) throw new ServerError(CODES.FailedToParse, `$pop expects 1 or -1, found: ${describe(operand)}`);
  return {
    creates: false,
    changed(value) {
      if (value === undefined) return undefined;
      if (!isList(value)) {
        throw new ServerError(CODES.TypeMismatch, `Path '${field}' contains an element of non-array type '${bsonTypeOf(value)}'`);
      }
      if (value.length === 0) return value;
      return end === 1 ? value.slice(0, -1) : value.slice(1);
    },
  };
}

function culling(operator: string, isPulled: (element: unknown) => boolean): Change {
  return {
    creates: false,
    changed(value) {
      if (value === undefined) return undefined;
      if (!isList(value)) throw new ServerError(CODES.BadValue, `Cannot apply ${operator} to a non-array value`);
      const kept = value.filter((element) => !isPulled(element));
      return kept.length === value.length ? value : kept;
    },
  };
}

/** Operators speak of the element, fields of a document in the array; any other value is pulled where it is equal. */
function pulledBy(operand: unknown, variables: Variables): (element: unknown) => boolean {
  if (hasOperators(operand) && !['$and', '$or', '$nor', '$expr'].includes(Object.keys(operand)[0]!)) {
    const test = conditionOfValue(valueConditionOf(operand, variables));
    return (element) => test(element);
  }
  if (isDocument(operand)) {
    const test = documentTestOf(operand, variables);
    return (element) => isDocument(element) && test(element);
  }
  if (bsonTypeOf(operand) === 'regex') {
    const test = regexTest(operand);
    return (element) => test(element);
  }
  return (element) => equalValues(element, operand);
}

interface PushClauses {
  readonly each: readonly unknown[];
  readonly position?: number | undefined;
  readonly slice?: number | undefined;
  readonly sort?: ((a: unknown, b: unknown) => number) | undefined;
}

function clausesOfPush(operand: unknown): PushClauses {
  if (!isDocument(operand) || !('$each' in operand)) return { each: [operand] };
  const unknown = Object.keys(operand).find((name) => !['$each', '$slice', '$sort', '$position'].includes(name));
  if (unknown !== undefined) throw new ServerError(CODES.BadValue, `Unrecognized clause in $push: ${unknown}`);
  return {
    each: eachOf(operand, '$push'),
    position:
      '$position' in operand ? wholeClause(operand.$position, 'The value for $position must be an integer value, not of type:') : undefined,
    slice:
      '$slice' in operand ? wholeClause(operand.$slice, 'The value for $slice must be an integer value but was given type:') : undefined,
    sort: '$sort' in operand ? orderOf(operand.$sort) : undefined,
  };
}

function eachOf(operand: Document, operator: string): readonly unknown[] {
  const each: unknown = operand.$each;
  if (isList(each)) return each;
  const code = operator === '$push' ? CODES.BadValue : CODES.TypeMismatch;
  throw new ServerError(code, `The argument to $each in ${operator} must be an array but it was of type ${bsonTypeOf(each)}`);
}

function wholeClause(value: unknown, message: string): number {
  const whole = numberTypeOf(value) === undefined ? undefined : toInteger(value);
  if (whole === undefined) throw new ServerError(CODES.BadValue, `${message} ${bsonTypeOf(value)}`);
  return Number(whole);
}

function orderOf(sort: unknown): (a: unknown, b: unknown) => number {
  if (!isDocument(sort)) {
    const direction = toNumber(sort);
    if (direction === 1 || direction === -1) return (a, b) => compareValues(a, b) * direction;
    const rule = 'use 1/-1 to sort the whole element, or {field:1/-1} to sort embedded fields';
    throw new ServerError(CODES.BadValue, `The $sort is invalid: ${rule}`);
  }
  if (Object.keys(sort).length === 0)
    throw new ServerError(CODES.BadValue, 'The $sort pattern is empty when it should be a set of fields.');
  for (const direction of Object.values(sort)) {
    if (Math.abs(toNumber(direction)) !== 1) throw new ServerError(CODES.BadValue, 'The $sort element value must be either 1 or -1');
  }
  const compare = compileSort(sort);
  return (a, b) => compare(isDocument(a) ? a : {}, isDocument(b) ? b : {});
}
