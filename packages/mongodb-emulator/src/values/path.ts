import type { Document } from 'bson';
import { fieldsOf, isDocument } from './bson-type.js';

/** Asked about one value on a path, `undefined` where the path leads nowhere; `index` is its place in the outermost array passed. */
export type Visitor = (value: unknown, index: number | undefined) => boolean;

/** @returns the parts of a dotted path */
export function partsOf(path: string): readonly string[] {
  return path.includes('.') ? path.split('.') : [path];
}

export function isArrayIndex(part: string): boolean {
  return /^(?:0|[1-9]\d*)$/.test(part);
}

/** @returns a field's value; `undefined` if there is none */
export function fieldOf(document: Document, name: string): unknown {
  if (document._bsontype === 'DBRef') return fieldsOf(document)[name];
  return Object.hasOwn(document, name) ? (document[name] as unknown) : undefined;
}

/**
 * Visits what a query sees at a path until the visitor says `true`: the value there; through arrays, that of each element that is
 * a document; of an array at the end, its elements and then the array itself. A numeric part is also the place in an array.
 *
 * @param leaf - whether elements of an array at the end are visited
 */
export function someAt(document: Document, parts: readonly string[], leaf: 'elements' | 'whole', visit: Visitor): boolean {
  return visitDocument(document, parts, 0, { leaf, visit, index: undefined });
}

interface Visit {
  readonly leaf: 'elements' | 'whole';
  readonly visit: Visitor;
  readonly index: number | undefined;
}

function visitDocument(document: Document, parts: readonly string[], from: number, to: Visit): boolean {
  let current = document;
  const last = parts.length - 1;
  for (let at = from; at < last; at += 1) {
    const value = fieldOf(current, parts[at]!);
    if (Array.isArray(value)) return visitArray(value, parts, at + 1, to);
    if (!isDocument(value)) return to.visit(undefined, to.index);
    current = value;
  }
  return visitLeaf(fieldOf(current, parts[last]!), to);
}

function visitLeaf(value: unknown, { leaf, visit, index }: Visit): boolean {
  if (leaf === 'elements' && Array.isArray(value)) {
    for (let at = 0; at < value.length; at += 1) {
      if (visit(value[at], index ?? at)) return true;
    }
  }
  return visit(value, index);
}

function visitArray(array: readonly unknown[], parts: readonly string[], from: number, to: Visit): boolean {
  const place = isArrayIndex(parts[from]!) ? Number(parts[from]) : -1;
  for (let at = 0; at < array.length; at += 1) {
    const element = array[at];
    if (isDocument(element) && visitDocument(element, parts, from, { ...to, index: to.index ?? at })) return true;
    if (at === place && visitPlace(element, parts, from + 1, to)) return true;
  }
  return false;
}

/** An element that the path itself names: an array there is not entered on its own account. */
function visitPlace(element: unknown, parts: readonly string[], from: number, to: Visit): boolean {
  if (from === parts.length) return to.visit(element, to.index);
  if (Array.isArray(element)) return visitArray(element, parts, from, to);
  return isDocument(element) && visitDocument(element, parts, from, to);
}

/**
 * The values an index holds for a document: arrays are expanded to their elements, an empty array gives `undefined`, and a
 * path that leads nowhere gives `null`. Never empty.
 */
export function valuesAt(document: Document, path: string): readonly unknown[] {
  if (!path.includes('.')) {
    const value = fieldOf(document, path);
    if (value === undefined) return NULL;
    if (!Array.isArray(value)) return [value];
  }
  const values: unknown[] = [];
  collect(document, path.split('.'), 0, values);
  return values.length === 0 ? NULL : values;
}

const NULL: readonly unknown[] = [null];

function collect(value: unknown, parts: readonly string[], at: number, into: unknown[]): void {
  if (at === parts.length) return collectLeaf(value, into);
  if (isDocument(value)) return collect(fieldOf(value, parts[at]!), parts, at + 1, into);
  if (!Array.isArray(value)) {
    into.push(null);
    return;
  }
  if (isArrayIndex(parts[at]!) && Number(parts[at]) < value.length) collect(value[Number(parts[at])], parts, at + 1, into);
  for (const element of value) {
    if (isDocument(element)) collect(element, parts, at, into);
  }
}

function collectLeaf(value: unknown, into: unknown[]): void {
  if (!Array.isArray(value)) into.push(value ?? null);
  else if (value.length === 0) into.push(undefined);
  else into.push(...value.map((element: unknown) => element ?? null));
}
