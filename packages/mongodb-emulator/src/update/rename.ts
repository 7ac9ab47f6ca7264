import type { Document } from 'bson';
import { CODES, ServerError } from '../server-error.js';
import { isDocument } from '../values/bson-type.js';
import { describe } from '../values/describe.js';
import { fieldOf } from '../values/path.js';
import { changeAt } from './change-at.js';
import { setting, UNSETTING } from './field-operators.js';
import { isPositional, parseUpdatePath } from './update-path.js';

/** Moves a value from one field to another; what was there is gone. Arrays are not entered. */
export interface Rename {
  readonly from: string;
  readonly to: string;
  apply(document: Document, original: Document): Document;
}

/** @throws {@link ServerError} the two are no plain paths, or the same */
export function compileRename(from: string, target: unknown): Rename {
  if (typeof target !== 'string') {
    throw new ServerError(CODES.BadValue, `The 'to' field for $rename must be a string: ${from}: ${describe(target)}`);
  }
  const [source, destination] = [parseUpdatePath(from), parseUpdatePath(target)];
  if (isPositional(source)) throw new ServerError(CODES.BadValue, `The source field for $rename may not be dynamic: ${from}`);
  if (isPositional(destination)) throw new ServerError(CODES.BadValue, `The destination field for $rename may not be dynamic: ${target}`);
  if (from === target)
    throw new ServerError(CODES.BadValue, `The source and target field for $rename must differ: ${from}: ${describe(target)}`);
  const [names, newNames] = [from.split('.'), target.split('.')];
  return {
    from,
    to: target,
    apply(document, original) {
      const value = valueAt(document, names, 'source');
      if (value === undefined) return document;
      valueAt(document, newNames.slice(0, -1), 'destination');
      return changeAt(changeAt(document, names, UNSETTING, original), newNames, setting(value), original);
    },
  };
}

function valueAt(document: Document, names: readonly string[], end: 'source' | 'destination'): unknown {
  let value: unknown = document;
  for (const [at, name] of names.entries()) {
    if (!isDocument(value)) return undefined;
    value = fieldOf(value, name);
    if (Array.isArray(value) && (end === 'destination' || at < names.length - 1)) {
      throw new ServerError(
        CODES.BadValue,
        `The ${end} field cannot be an array element, '${names.join('.')}' in doc with _id: ${describe(document._id)} has an array field called '${name}'`,
      );
    }
  }
  return value;
}
