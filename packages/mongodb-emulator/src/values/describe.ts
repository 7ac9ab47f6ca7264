import { EJSON } from 'bson';
import { bsonTypeOf } from './bson-type.js';

/** @returns the value as an error message shows it */
export function describe(value: unknown): string {
  switch (bsonTypeOf(value)) {
    case 'missing':
      return 'missing';
    case 'string':
      return JSON.stringify(value);
    case 'int':
    case 'double':
    case 'long':
    case 'decimal':
      return String(value);
    case 'array':
      return `[ ${(value as unknown[]).map(describe).join(', ')} ]`;
    case 'object':
      return describeFields(value as object);
    case 'objectId':
      return `ObjectId('${String(value)}')`;
    default:
      return EJSON.stringify(value);
  }
}

function describeFields(document: object): string {
  const fields = Object.entries(document).map(([name, value]) => `${name}: ${describe(value)}`);
  return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`;
}
