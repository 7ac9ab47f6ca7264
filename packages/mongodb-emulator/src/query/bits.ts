import { Binary } from 'bson';
import { CODES, ServerError } from '../server-error.js';
import { describe } from '../values/describe.js';
import { fitsInt64, numberTypeOf, toInteger } from '../values/number.js';
import type { ValueTest } from './match.js';

export type BitsOperator = '$bitsAllSet' | '$bitsAnySet' | '$bitsAllClear' | '$bitsAnyClear';

export function bitsTest(operator: BitsOperator, operand: unknown): ValueTest {
  const mask = maskOf(operator, operand);
  return (value) => {
    const bits = bitsOf(value);
    if (bits === undefined) return false;
    const set = bits & mask;
    switch (operator) {
      case '$bitsAllSet':
        return set === mask;
      case '$bitsAnySet':
        return set !== 0n;
      case '$bitsAllClear':
        return set === 0n;
      case '$bitsAnyClear':
        return set !== mask;
    }
  };
}

function maskOf(operator: string, operand: unknown): bigint {
  if (Array.isArray(operand)) return operand.reduce<bigint>((mask, position: unknown) => mask | (1n << positionOf(operator, position)), 0n);
  const mask = operand instanceof Binary ? bitsOf(operand) : toInteger(operand);
  if (mask === undefined || (numberTypeOf(operand) !== undefined && (mask < 0n || !fitsInt64(mask)))) {
    throw new ServerError(
      CODES.FailedToParse,
      `Expected a non-negative integer, a BinData or an array in: ${operator}: ${describe(operand)}`,
    );
  }
  return mask;
}

function positionOf(operator: string, position: unknown): bigint {
  const place = numberTypeOf(position) === undefined ? undefined : toInteger(position);
  if (place === undefined || place < 0n) {
    throw new ServerError(CODES.BadValue, `bit positions must be an integer >= 0 in: ${operator}: ${describe(position)}`);
  }
  return place;
}

function bitsOf(value: unknown): bigint | undefined {
  if (value instanceof Binary) {
    const bytes = value.buffer.subarray(0, value.position);
    return bytes.reduceRight((bits, byte) => (bits << 8n) | BigInt(byte), 0n);
  }
  const whole = numberTypeOf(value) === undefined ? undefined : toInteger(value);
  return whole !== undefined && fitsInt64(whole) ? whole : undefined;
}
