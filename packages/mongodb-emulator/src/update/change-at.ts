import type { Document } from 'bson';
import { CODES, ServerError } from '../server-error.js';
import { isDocument } from '../values/bson-type.js';
import { describe } from '../values/describe.js';
import { fieldOf, isArrayIndex } from '../values/path.js';

/** What an operator does to the value at its path. */
export interface Change {
  /** Whether fields that are not there are made. */
  readonly creates: boolean;
  /**
   * @param value - the present value, `undefined` if there is none
   * @param document - the document as it was before the update, for messages
   * @returns the new value; the very same one for no change; `undefined` to have none
   */
  changed(value: unknown, document: Document): unknown;
}

const MOST_FILLED = 1_500_000;

/**
 * Copies what is on the way to the path and shares the rest.
 *
 * @returns the changed document; the very same one if nothing changed
 * @throws {@link ServerError} 28: a field cannot be made below a value that is no document
 */
export function changeAt(document: Document, names: readonly string[], change: Change, original: Document): Document {
  return changeField(document, { names, at: 0, change, original });
}

interface Walk {
  readonly names: readonly string[];
  readonly at: number;
  readonly change: Change;
  readonly original: Document;
}

function changeField(document: Document, walk: Walk): Document {
  const name = walk.names[walk.at]!;
  const value = fieldOf(document, name);
  const next = changedValue(value, walk);
  if (next === value) return document;
  if (next !== undefined) return name === '__proto__' ? withOwn(document, name, next) : { ...document, [name]: next };
  const { [name]: _, ...others } = document;
  return others;
}

function changeElement(array: readonly unknown[], walk: Walk): readonly unknown[] {
  const name = walk.names[walk.at]!;
  if (!isArrayIndex(name)) return walk.change.creates ? refuse(array, walk) : array;
  const place = Number(name);
  const value = array[place];
  const next = changedValue(value, walk);
  if (next === value) return array;
  if (next === undefined) return value === null ? array : array.with(place, null); // an element that is unset leaves its place
  if (place < array.length) return array.with(place, next);
  if (place - array.length > MOST_FILLED)
    throw new ServerError(CODES.CannotBackfillArray, `can't backfill more than ${MOST_FILLED} elements`);
  return [...array, ...Array.from({ length: place - array.length }, () => null), next];
}

function changedValue(value: unknown, walk: Walk): unknown {
  const { names, at, change, original } = walk;
  if (at === names.length - 1) return change.changed(value, original);
  const below: Walk = { ...walk, at: at + 1 };
  if (value === undefined) return change.creates ? newBranch(below) : undefined;
  if (Array.isArray(value)) return changeElement(value, below);
  if (isDocument(value)) return changeField(value, below);
  return change.creates ? refuse(value, below) : value;
}

/** A path that leads nowhere becomes documents, whatever its parts look like. */
function newBranch({ names, at, change, original }: Walk): unknown {
  const value = change.changed(undefined, original);
  return value === undefined ? undefined : names.slice(at).reduceRight<unknown>((inner, name) => ({ [name]: inner }), value);
}

function refuse(container: unknown, { names, at }: Walk): never {
  const element = describe({ [names[at - 1]!]: container });
  throw new ServerError(CODES.PathNotViable, `Cannot create field '${names[at]!}' in element ${element.replace(/^\{ (.*) \}$/s, '{$1}')}`);
}

function withOwn(document: Document, name: string, value: unknown): Document {
  return Object.defineProperty({ ...document }, name, { value, enumerable: true, configurable: true, writable: true });
}
