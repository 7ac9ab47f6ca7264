import type { Document } from 'bson';
import { ServerError } from '../../server-error.js';
import { bsonTypeOf, fieldsOf, isDocument } from '../../values/bson-type.js';
import { describe } from '../../values/describe.js';
import { fieldOf } from '../../values/path.js';
import type { Operator } from '../evaluate.js';
import { argumentsOf, isNullish, unary, variadic } from '../evaluate.js';

/** Documents and their fields. */
export const OBJECTS: Readonly<Record<string, Operator>> = {
  $mergeObjects: variadic(merged),
  $objectToArray: unary((value) => {
    if (isNullish(value)) return null;
    if (!isDocument(value)) throw new ServerError(40390, `$objectToArray requires a document input, found: ${bsonTypeOf(value)}`);
    return Object.entries(fieldsOf(value)).map(([k, v]: [string, unknown]) => ({ k, v }));
  }),
  $arrayToObject: unary((value) => {
    if (isNullish(value)) return null;
    if (!Array.isArray(value)) throw new ServerError(40386, `$arrayToObject requires an array input, found: ${bsonTypeOf(value)}`);
    return Object.fromEntries(value.map(pairOf));
  }),
  $getField: (operand, scope, name) => {
    const given = isGetField(operand) ? argumentsOf(operand, name, { required: ['field'], optional: ['input'] }) : { field: operand };
    const field = scope.compile(given.field);
    const input = scope.compile('input' in given ? given.input : '$$CURRENT');
    return (frame) => {
      const key = field(frame);
      if (typeof key !== 'string')
        throw new ServerError(3041704, `$getField requires 'field' to evaluate to type String, but got ${bsonTypeOf(key)}`);
      const from = input(frame);
      if (isDocument(from)) return fieldOf(from, key);
      return from === null ? null : undefined;
    };
  },
  $setField: (operand, scope, name) => {
    const given = argumentsOf(operand, name, { required: ['field', 'input', 'value'] });
    const [field, input, value] = [given.field, given.input, given.value].map((expression) => scope.compile(expression));
    return (frame) => withField(input!(frame), field!(frame), value!(frame));
  },
  $unsetField: (operand, scope, name) => {
    const given = argumentsOf(operand, name, { required: ['field', 'input'] });
    const [field, input] = [given.field, given.input].map((expression) => scope.compile(expression));
    return (frame) => withField(input!(frame), field!(frame), undefined);
  },
};

/** @returns one document with the fields of all, the later ones winning */
export function merged(values: readonly unknown[]): Document {
  const result: Document = {};
  for (const value of values) {
    if (isNullish(value)) continue;
    if (!isDocument(value)) {
      throw new ServerError(40400, `$mergeObjects requires object inputs, but input ${describe(value)} is of type ${bsonTypeOf(value)}`);
    }
    Object.assign(result, fieldsOf(value));
  }
  return result;
}

function isGetField(operand: unknown): boolean {
  return isDocument(operand) && !Object.keys(operand)[0]?.startsWith('$');
}

function withField(input: unknown, field: unknown, value: unknown): unknown {
  if (isNullish(input)) return null;
  if (!isDocument(input)) throw new ServerError(4161105, `$setField requires 'input' to evaluate to type Object`);
  if (typeof field !== 'string') throw new ServerError(4161107, `$setField requires 'field' to evaluate to a constant string`);
  const { [field]: _, ...others } = input;
  return value === undefined ? others : { ...input, [field]: value };
}

function pairOf(pair: unknown): [string, unknown] {
  const [key, value]: readonly unknown[] = Array.isArray(pair) ? checkedPair(pair) : checkedEntry(pair);
  if (typeof key !== 'string')
    throw new ServerError(
      40395,
      `$arrayToObject requires an array of key-value pairs, where the key must be of type string. Found key type: ${bsonTypeOf(key)}`,
    );
  return [key, value];
}

function checkedPair(pair: readonly unknown[]): readonly unknown[] {
  if (pair.length === 2) return pair;
  throw new ServerError(40397, `$arrayToObject requires an array of size 2 arrays,found array of size: ${pair.length}`);
}

function checkedEntry(pair: unknown): readonly unknown[] {
  if (!isDocument(pair)) throw new ServerError(40398, `Unrecognised input type format for $arrayToObject: ${bsonTypeOf(pair)}`);
  if (Object.keys(pair).length !== 2 || !('k' in pair) || !('v' in pair)) {
    throw new ServerError(40392, `$arrayToObject requires an object keys of 'k' and 'v'`);
  }
  return [pair.k, pair.v];
}
