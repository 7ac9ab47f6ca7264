import { bsonTypeOf } from './bson-type.js';
import { toNumber } from './number.js';

/** Whether a value counts as true: all but `false`, `null`, a missing one and zeros. */
export function isTrue(value: unknown): boolean {
  switch (bsonTypeOf(value)) {
    case 'missing':
    case 'null':
      return false;
    case 'bool':
      return value as boolean;
    case 'int':
    case 'long':
    case 'double':
    case 'decimal':
      return toNumber(value) !== 0;
    default:
      return true;
  }
}
