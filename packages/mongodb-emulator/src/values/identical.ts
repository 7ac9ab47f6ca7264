import type { Decimal128, Document } from 'bson';
import { bsonTypeOf, fieldsOf } from './bson-type.js';
import { equalValues } from './compare.js';
import { toNumber } from './number.js';

/** Whether two values are the same to the bit, their types included: writing one over the other changes nothing. */
export function identicalValues(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  const type = bsonTypeOf(a);
  if (type !== bsonTypeOf(b)) return false;
  switch (type) {
    case 'double':
      return Object.is(toNumber(a), toNumber(b));
    case 'decimal':
      return Buffer.compare((a as Decimal128).bytes, (b as Decimal128).bytes) === 0;
    case 'array':
      return identicalLists(a as unknown[], b as unknown[]);
    case 'object':
      return identicalDocuments(fieldsOf(a as Document), fieldsOf(b as Document));
    default:
      return equalValues(a, b);
  }
}

function identicalLists(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((value, at) => identicalValues(value, b[at]));
}

function identicalDocuments(a: Document, b: Document): boolean {
  const [names, others] = [Object.keys(a), Object.keys(b)];
  return names.length === others.length && names.every((name, at) => name === others[at] && identicalValues(a[name], b[name]));
}
