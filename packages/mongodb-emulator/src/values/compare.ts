import type { Binary, BSONRegExp, Code, Document, ObjectId, Timestamp } from 'bson';
import type { BsonType } from './bson-type.js';
import { bsonTypeOf, fieldsOf } from './bson-type.js';
import { compareNumbers } from './number.js';
import { compareStrings } from './strings.js';

/** The order of the types; those of one rank are compared by value. */
const RANKS: Readonly<Record<BsonType, number>> = {
  minKey: -1,
  missing: 0,
  null: 5,
  int: 10,
  long: 10,
  double: 10,
  decimal: 10,
  string: 15,
  symbol: 15,
  object: 20,
  array: 25,
  binData: 30,
  objectId: 35,
  bool: 40,
  date: 45,
  timestamp: 47,
  regex: 50,
  dbPointer: 55,
  javascript: 60,
  javascriptWithScope: 65,
  maxKey: 127,
};

/** @returns the place of the value's type in the order of types; values of one rank are compared by value */
export function rankOf(value: unknown): number {
  return RANKS[bsonTypeOf(value)];
}

/** Orders any two BSON values as the server does; numbers by value, whatever their types. A missing value comes before `null`. */
export function compareValues(a: unknown, b: unknown): number {
  if (typeof a === 'string' && typeof b === 'string') return compareStrings(a, b);
  const [typeA, typeB] = [bsonTypeOf(a), bsonTypeOf(b)];
  const [rankA, rankB] = [RANKS[typeA], RANKS[typeB]];
  return rankA === rankB ? compareOfOneRank(typeA, a, b) : rankA - rankB;
}

/** Whether two BSON values are equal: numbers by value, documents with the order of their fields. */
export function equalValues(a: unknown, b: unknown): boolean {
  return a === b || compareValues(a, b) === 0;
}

function compareOfOneRank(type: BsonType, a: unknown, b: unknown): number {
  switch (type) {
    case 'int':
    case 'long':
    case 'double':
    case 'decimal':
      return compareNumbers(a, b);
    case 'string':
    case 'symbol':
      return compareStrings(textOf(a), textOf(b));
    case 'object':
      return compareDocuments(fieldsOf(a as Document), fieldsOf(b as Document));
    case 'array':
      return compareArrays(a as unknown[], b as unknown[]);
    case 'binData':
      return compareBinaries(a as Binary, b as Binary);
    case 'objectId':
      return compareBytes((a as ObjectId).id, (b as ObjectId).id);
    case 'bool':
      return Number(a) - Number(b);
    case 'date':
      return (a as Date).getTime() - (b as Date).getTime();
    case 'timestamp':
      return compareTimestamps(a as Timestamp, b as Timestamp);
    case 'regex':
      return compareRegexes(a, b);
    case 'javascript':
    case 'javascriptWithScope':
      return compareCode(a as Code, b as Code);
    default:
      return 0;
  }
}

/** Field by field: first the types, then the names, then the values. */
function compareDocuments(a: Document, b: Document): number {
  const [namesA, namesB] = [Object.keys(a), Object.keys(b)];
  const end = Math.min(namesA.length, namesB.length);
  for (let at = 0; at < end; at += 1) {
    const [nameA, nameB] = [namesA[at]!, namesB[at]!];
    const x: unknown = a[nameA];
    const y: unknown = b[nameB];
    const difference = rankOf(x) - rankOf(y) || compareStrings(nameA, nameB) || compareValues(x, y);
    if (difference !== 0) return difference;
  }
  return namesA.length - namesB.length;
}

function compareArrays(a: readonly unknown[], b: readonly unknown[]): number {
  const end = Math.min(a.length, b.length);
  for (let at = 0; at < end; at += 1) {
    const difference = compareValues(a[at], b[at]);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

function compareBinaries(a: Binary | Uint8Array, b: Binary | Uint8Array): number {
  const [x, y] = [bytesOf(a), bytesOf(b)];
  return x.length - y.length || subtypeOf(a) - subtypeOf(b) || compareBytes(x, y);
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const end = Math.min(a.length, b.length);
  for (let at = 0; at < end; at += 1) {
    if (a[at] !== b[at]) return a[at]! - b[at]!;
  }
  return a.length - b.length;
}

function compareTimestamps(a: Timestamp, b: Timestamp): number {
  return (a.high >>> 0) - (b.high >>> 0) || (a.low >>> 0) - (b.low >>> 0);
}

function compareRegexes(a: unknown, b: unknown): number {
  const [x, y] = [patternOf(a), patternOf(b)];
  return compareStrings(x.pattern, y.pattern) || compareStrings(x.options, y.options);
}

function compareCode(a: Code, b: Code): number {
  return compareStrings(String(a.code), String(b.code)) || (a.scope && b.scope ? compareDocuments(a.scope, b.scope) : 0);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : String(value);
}

function bytesOf(value: Binary | Uint8Array): Uint8Array {
  return value instanceof Uint8Array ? value : value.buffer.subarray(0, value.position);
}

function subtypeOf(value: Binary | Uint8Array): number {
  return value instanceof Uint8Array ? 0 : value.sub_type;
}

function patternOf(value: unknown): { pattern: string; options: string } {
  return value instanceof RegExp ? { pattern: value.source, options: value.flags } : (value as BSONRegExp);
}
