import type { DBRef, Document } from 'bson';

/** The types a value can have, by the names that `$type` gives them; `missing` where there is none. */
export type BsonType =
  | 'missing'
  | 'minKey'
  | 'null'
  | 'int'
  | 'long'
  | 'double'
  | 'decimal'
  | 'string'
  | 'symbol'
  | 'object'
  | 'array'
  | 'binData'
  | 'objectId'
  | 'bool'
  | 'date'
  | 'timestamp'
  | 'regex'
  | 'dbPointer'
  | 'javascript'
  | 'javascriptWithScope'
  | 'maxKey';

/** The numbers that `$type` also takes. `undefined` (6) is kept as missing. */
export const TYPE_CODES: Readonly<Record<BsonType, number>> = {
  missing: 0,
  double: 1,
  string: 2,
  object: 3,
  array: 4,
  binData: 5,
  objectId: 7,
  bool: 8,
  date: 9,
  null: 10,
  regex: 11,
  dbPointer: 12,
  javascript: 13,
  symbol: 14,
  javascriptWithScope: 15,
  int: 16,
  timestamp: 17,
  long: 18,
  decimal: 19,
  minKey: -1,
  maxKey: 127,
};

/** @returns the value's type; plain numbers count as the serializer writes them */
export function bsonTypeOf(value: unknown): BsonType {
  switch (typeof value) {
    case 'string':
      return 'string';
    case 'number':
      return isInt32(value) ? 'int' : 'double';
    case 'boolean':
      return 'bool';
    case 'bigint':
      return 'long';
    case 'object':
      return value === null ? 'null' : typeOfObject(value);
    default:
      return 'missing';
  }
}

/** @returns whether the value has fields: a document, embedded or not */
export function isDocument(value: unknown): value is Document {
  return typeof value === 'object' && value !== null && typeOfObject(value) === 'object';
}

/** As `Array.isArray`, of elements that are not yet known. */
export function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

/** @returns the fields of a document; the driver's package reads `{ $ref, $id }` as an object of its own */
export function fieldsOf(document: Document): Document {
  if (document._bsontype !== 'DBRef') return document;
  const { collection, oid, db, fields } = document as DBRef;
  return { $ref: collection, $id: oid, ...(db ? { $db: db } : {}), ...fields };
}

function isInt32(value: number): boolean {
  return (value | 0) === value && !Object.is(value, -0);
}

function typeOfObject(value: object): BsonType {
  if (Array.isArray(value)) return 'array';
  switch ((value as { _bsontype?: unknown })._bsontype) {
    case undefined:
      return typeOfNative(value);
    case 'Int32':
      return 'int';
    case 'Long':
      return 'long';
    case 'Double':
      return 'double';
    case 'Decimal128':
      return 'decimal';
    case 'ObjectId':
      return 'objectId';
    case 'Binary':
      return 'binData';
    case 'Timestamp':
      return 'timestamp';
    case 'BSONRegExp':
      return 'regex';
    case 'BSONSymbol':
      return 'symbol';
    case 'Code':
      return (value as { scope?: unknown }).scope ? 'javascriptWithScope' : 'javascript';
    case 'MinKey':
      return 'minKey';
    case 'MaxKey':
      return 'maxKey';
    default:
      return 'object';
  }
}

function typeOfNative(value: object): BsonType {
  if (value instanceof Date) return 'date';
  if (value instanceof RegExp) return 'regex';
  return value instanceof Uint8Array ? 'binData' : 'object';
}
