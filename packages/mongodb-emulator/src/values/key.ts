import type { Binary, BSONRegExp, Code, Document, ObjectId, Timestamp } from 'bson';
import { Double } from 'bson';
import { bsonTypeOf, fieldsOf } from './bson-type.js';
import { compareDecimals, decimalOfDoubleExactly, normalized, numberOf } from './decimal.js';
import { toDecimalExactly } from './number.js';

/** @returns a string that is the same for equal values, and only for them */
export function keyOf(value: unknown): string {
  switch (bsonTypeOf(value)) {
    case 'string':
      return `s${(value as string).length}:${value as string}`;
    case 'symbol':
      return keyOf(String(value));
    case 'int':
      return `n${Number(value)}`;
    case 'double':
    case 'long':
    case 'decimal':
      return keyOfNumber(value);
    case 'object':
      return keyOfDocument(fieldsOf(value as Document));
    case 'array':
      return `[${(value as unknown[]).map(keyOf).join(',')}]`;
    case 'objectId':
      return `o${(value as ObjectId).toHexString()}`;
    case 'binData':
      return keyOfBinary(value as Binary | Uint8Array);
    case 'bool':
      return value === true ? 't' : 'f';
    case 'date':
      return `d${(value as Date).getTime()}`;
    case 'timestamp':
      return `T${(value as Timestamp).high >>> 0}.${(value as Timestamp).low >>> 0}`;
    case 'null':
      return '0';
    case 'missing':
      return 'u';
    case 'minKey':
      return '<';
    case 'maxKey':
      return '>';
    case 'regex':
      return keyOfRegex(value as RegExp | BSONRegExp);
    case 'javascript':
    case 'javascriptWithScope':
      return keyOfCode(value as Code);
    default:
      return '?';
  }
}

/** Numbers are equal across their types: one that a double holds exactly goes by the double, any other by its digits. */
function keyOfNumber(value: unknown): string {
  if (value instanceof Double && Number.isFinite(value.value)) return `n${value.value === 0 ? 0 : value.value}`;
  const exact = toDecimalExactly(value);
  if (exact.special) return `n${exact.special}`;
  const near = numberOf(exact);
  if (Number.isFinite(near) && compareDecimals(decimalOfDoubleExactly(near), exact) === 0) return `n${near === 0 ? 0 : near}`;
  const { coefficient, exponent } = normalized(exact);
  return `n${coefficient}E${exponent}`;
}

function keyOfDocument(document: Document): string {
  let key = '{';
  for (const name of Object.keys(document)) key += `${name.length}:${name}=${keyOf(document[name])},`;
  return `${key}}`;
}

function keyOfBinary(value: Binary | Uint8Array): string {
  if (value instanceof Uint8Array) return `b0:${Buffer.from(value).toString('base64')}`;
  return `b${value.sub_type}:${Buffer.from(value.buffer.subarray(0, value.position)).toString('base64')}`;
}

function keyOfRegex(value: RegExp | BSONRegExp): string {
  const [pattern, options] = value instanceof RegExp ? [value.source, value.flags] : [value.pattern, value.options];
  return `r${keyOf(pattern)}${options}`;
}

function keyOfCode({ code, scope }: Code): string {
  return `c${keyOf(String(code))}${scope ? keyOf(scope) : ''}`;
}
