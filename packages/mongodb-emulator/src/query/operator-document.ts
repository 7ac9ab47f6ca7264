import type { Document } from 'bson';
import { isDocument } from '../values/bson-type.js';

/** @returns whether a field's value in a filter holds operators, and is not a value to be equal to */
export function hasOperators(value: unknown): value is Document {
  if (!isDocument(value) || value._bsontype === 'DBRef') return false;
  const first = Object.keys(value)[0];
  return first !== undefined && first.startsWith('$') && first !== '$ref' && first !== '$id' && first !== '$db';
}
