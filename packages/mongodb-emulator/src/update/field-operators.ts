import type { Document } from 'bson';
import type { Variables } from '../query/variables.js';
import { CODES, ServerError } from '../server-error.js';
import type { BsonNumber } from '../values/arithmetic.js';
import { add, multiply } from '../values/arithmetic.js';
import { bsonTypeOf, isDocument } from '../values/bson-type.js';
import { compareValues } from '../values/compare.js';
import { describe } from '../values/describe.js';
import { identicalValues } from '../values/identical.js';
import { int, intOrLong, long, numberTypeOf, toInteger } from '../values/number.js';
import type { Change } from './change-at.js';

export function setting(operand: unknown): Change {
  return { creates: true, changed: (value) => (value !== undefined && identicalValues(value, operand) ? value : operand) };
}

export const UNSETTING: Change = { creates: false, changed: () => undefined };

export function incrementing(operand: unknown, field: string): Change {
  if (numberTypeOf(operand) === undefined) throw notANumber('increment', field, operand);
  return arithmetic('$inc', field, operand, (value, overflow) => (value === undefined ? operand : add(value, operand, overflow)));
}

export function multiplying(operand: unknown, field: string): Change {
  if (numberTypeOf(operand) === undefined) throw notANumber('multiply', field, operand);
  return arithmetic('$mul', field, operand, (value, overflow) => multiply(value ?? int(0), operand, overflow));
}

/** @param direction - `-1` keeps the smaller of the two values, `1` the larger */
export function keepingExtreme(operand: unknown, direction: 1 | -1): Change {
  return {
    creates: true,
    changed: (value) => (value === undefined || compareValues(operand, value) * direction > 0 ? operand : value),
  };
}

export function settingCurrentDate(operand: unknown, { now, clusterTime }: Variables): Change {
  if (typeof operand === 'boolean') return setting(now);
  if (!isDocument(operand)) {
    throw new ServerError(
      CODES.BadValue,
      `${bsonTypeOf(operand)} is not valid type for $currentDate. Please use a boolean ('true') or a $type expression ({$type: 'timestamp/date'}).`,
    );
  }
  const unknown = Object.keys(operand).find((name) => name !== '$type');
  if (unknown !== undefined) throw new ServerError(CODES.BadValue, `Unrecognized $currentDate option: ${unknown}`);
  if (operand.$type === 'date') return setting(now);
  if (operand.$type === 'timestamp') return setting(clusterTime);
  throw new ServerError(
    CODES.BadValue,
    `The '$type' string field is required to be 'date' or 'timestamp': {$currentDate: {field : {$type: 'date'}}}`,
  );
}

export function changingBits(operand: unknown, field: string): Change {
  if (!isDocument(operand)) {
    throw new ServerError(
      CODES.BadValue,
      `The $bit modifier is not compatible with a ${bsonTypeOf(operand)}. You must pass in an embedded document: {$bit: {field: {and/or/xor: #}}`,
    );
  }
  const steps = Object.entries(operand).map(([name, mask]: [string, unknown]) => bitStep(name, mask));
  if (steps.length === 0) {
    throw new ServerError(
      CODES.BadValue,
      'You must pass in at least one bitwise operation. The format is: {$bit: {field: {and/or/xor: #}}',
    );
  }
  return {
    creates: true,
    changed(value, document) {
      const type = value === undefined ? 'int' : numberTypeOf(value);
      if (type !== 'int' && type !== 'long') {
        throw new ServerError(
          CODES.BadValue,
          `Cannot apply $bit to a value of non-integral type.${idOf(document)} has the field ${field} of non-integer type ${bsonTypeOf(value)}`,
        );
      }
      return unlessIdentical(
        value,
        steps.reduce<unknown>((bits, step) => step(bits), value ?? int(0)),
      );
    },
  };
}

/** @returns `{_id: …}` of a document, as messages name it */
export function idOf(document: Document): string {
  return `{_id: ${describe(document._id)}}`;
}

type Arithmetic = (value: unknown, overflow: () => BsonNumber) => unknown;

function arithmetic(operator: string, field: string, operand: unknown, calculate: Arithmetic): Change {
  return {
    creates: true,
    changed(value, document) {
      if (value !== undefined && numberTypeOf(value) === undefined) {
        throw new ServerError(
          CODES.TypeMismatch,
          `Cannot apply ${operator} to a value of non-numeric type. ${idOf(document)} has the field '${field}' of non-numeric type ${bsonTypeOf(value)}`,
        );
      }
      const overflow = (): never => {
        throw new ServerError(
          CODES.BadValue,
          `Failed to apply ${operator} operations to current value (${describe(value)}) for document ${idOf(document)}: ${describe(operand)}`,
        );
      };
      return unlessIdentical(value, calculate(value, overflow));
    },
  };
}

function unlessIdentical(value: unknown, next: unknown): unknown {
  return value !== undefined && identicalValues(value, next) ? value : next;
}

function notANumber(verb: string, field: string, operand: unknown): ServerError {
  return new ServerError(CODES.TypeMismatch, `Cannot ${verb} with non-numeric argument: {${field}: ${describe(operand)}}`);
}

function bitStep(name: string, mask: unknown): (bits: unknown) => unknown {
  const combine = BIT_OPERATIONS[name];
  if (!combine)
    throw new ServerError(
      CODES.BadValue,
      `The $bit modifier only supports 'and', 'or', and 'xor', not '${name}' which is an unknown operator: {${name}: ${describe(mask)}}`,
    );
  const type = numberTypeOf(mask);
  if (type !== 'int' && type !== 'long') {
    throw new ServerError(
      CODES.BadValue,
      `The $bit modifier field must be an Integer(32/64 bit); a '${bsonTypeOf(mask)}' is not supported here: {${name}: ${describe(mask)}}`,
    );
  }
  return (bits) => {
    const result = combine(toInteger(bits)!, toInteger(mask)!);
    return type === 'long' || numberTypeOf(bits) === 'long' ? long(result) : intOrLong(result);
  };
}

const BIT_OPERATIONS: Readonly<Record<string, (a: bigint, b: bigint) => bigint>> = {
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
};
