import { ServerError } from '../../server-error.js';
import { bsonTypeOf } from '../../values/bson-type.js';

const NOT_TEXT = 16007;

/** @returns the value as the string operators coerce it: numbers and dates as text, nothing as an empty string */
export function textOf(value: unknown): string {
  switch (bsonTypeOf(value)) {
    case 'missing':
    case 'null':
      return '';
    case 'string':
      return value as string;
    case 'symbol':
    case 'int':
    case 'long':
    case 'double':
    case 'decimal':
      return String(value);
    case 'date':
      return (value as Date).toISOString();
    case 'timestamp':
      return String(value);
    default:
      throw new ServerError(NOT_TEXT, `can't convert from BSON type ${bsonTypeOf(value)} to String`);
  }
}
