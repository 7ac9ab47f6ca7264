import type { Document } from 'bson';
import { ServerError } from '../../server-error.js';
import { bsonTypeOf, isDocument } from '../../values/bson-type.js';
import { long } from '../../values/number.js';
import { fieldOf } from '../../values/path.js';
import { isTrue } from '../../values/truth.js';
import type { Stage } from './stage.js';

/** `$unwind`: a document for each element of an array. */
export function unwind(operand: unknown): Stage {
  const { parts, indexField, keepsEmpty } = optionsOf(operand);
  return function* (input) {
    for (const document of input) {
      const value = valueOf(document, parts);
      if (Array.isArray(value)) {
        for (const [at, element] of value.entries()) yield indexed(withValue(document, parts, element), indexField, long(BigInt(at)));
        if (value.length === 0 && keepsEmpty) yield indexed(withValue(document, parts, undefined), indexField, null);
      } else if (keepsEmpty || (value !== undefined && value !== null)) {
        yield indexed(document, indexField, null);
      }
    }
  };
}

interface UnwindOptions {
  readonly parts: readonly string[];
  readonly indexField: string | undefined;
  readonly keepsEmpty: boolean;
}

function optionsOf(operand: unknown): UnwindOptions {
  if (typeof operand === 'string') return { parts: partsOf(operand), indexField: undefined, keepsEmpty: false };
  if (!isDocument(operand))
    throw new ServerError(15981, `expected either a string or an object as specification for $unwind stage, got ${bsonTypeOf(operand)}`);
  for (const name of Object.keys(operand)) {
    if (!['path', 'includeArrayIndex', 'preserveNullAndEmptyArrays'].includes(name))
      throw new ServerError(28811, `unrecognized option to $unwind stage: ${name}`);
  }
  const { path, includeArrayIndex, preserveNullAndEmptyArrays } = operand as Record<string, unknown>;
  if (path === undefined) throw new ServerError(28812, 'no path specified to $unwind stage');
  if (includeArrayIndex !== undefined && (typeof includeArrayIndex !== 'string' || includeArrayIndex === '')) {
    throw new ServerError(
      28810,
      `expected a non-empty string for the includeArrayIndex  option to $unwind stage, got ${bsonTypeOf(includeArrayIndex)}`,
    );
  }
  return { parts: partsOf(path), indexField: includeArrayIndex, keepsEmpty: isTrue(preserveNullAndEmptyArrays) };
}

function partsOf(path: unknown): readonly string[] {
  if (typeof path !== 'string') throw new ServerError(28808, `expected a string as the path for $unwind stage, got ${bsonTypeOf(path)}`);
  if (!path.startsWith('$')) throw new ServerError(28818, `path option to $unwind stage should be prefixed with a '$': ${path}`);
  return path.slice(1).split('.');
}

function valueOf(document: Document, parts: readonly string[]): unknown {
  return parts.reduce<unknown>((value, part) => (isDocument(value) ? fieldOf(value, part) : undefined), document);
}

/** @returns a copy with the value at the path; without a value, without the field */
function withValue(document: Document, [first, ...rest]: readonly string[], value: unknown): Document {
  const next = rest.length === 0 ? value : withValue(document[first!] as Document, rest, value);
  if (next !== undefined) return { ...document, [first!]: next };
  const { [first!]: _, ...others } = document;
  return others;
}

function indexed(document: Document, field: string | undefined, index: unknown): Document {
  return field === undefined ? document : { ...document, [field]: index };
}
