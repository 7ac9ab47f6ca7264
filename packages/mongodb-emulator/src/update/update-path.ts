import { CODES, ServerError } from '../server-error.js';
import { isArrayIndex } from '../values/path.js';

/** One step of an update's path: a field or place by name, the query's match `$`, every element `$[]`, or those of a filter `$[id]`. */
export type Step =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'matched' }
  | { readonly kind: 'every' }
  | { readonly kind: 'filtered'; readonly id: string };

export interface UpdatePath {
  readonly text: string;
  readonly steps: readonly Step[];
}

/** @throws {@link ServerError} the path is not one that an update may name */
export function parseUpdatePath(text: string): UpdatePath {
  if (text === '') throw new ServerError(CODES.EmptyFieldName, 'An empty update path is not valid.');
  const parts = text.split('.');
  if (parts.includes('')) {
    throw new ServerError(CODES.EmptyFieldName, `The update path '${text}' contains an empty field name, which is not allowed.`);
  }
  const steps = parts.map(stepOf);
  const [first] = steps;
  if (first!.kind !== 'name') {
    const symbol = first!.kind === 'matched' ? "positional (i.e. '$')" : 'array filter identifier';
    throw new ServerError(CODES.BadValue, `Cannot have ${symbol} element in the first position in path '${text}'`);
  }
  if (steps.filter(({ kind }) => kind === 'matched').length > 1) {
    throw new ServerError(CODES.BadValue, `Too many positional (i.e. '$') elements found in path '${text}'`);
  }
  if (parts[0]!.startsWith('$')) {
    throw new ServerError(
      CODES.DollarPrefixedFieldName,
      `The dollar ($) prefixed field '${parts[0]!}' in '${text}' is not valid for storage.`,
    );
  }
  return { text, steps };
}

export function isPositional({ steps }: UpdatePath): boolean {
  return steps.some(({ kind }) => kind !== 'name');
}

/** @returns the order in which an update's parts are applied, and so that in which new fields come: places by number, names by letter */
export function compareUpdatePaths(a: string, b: string): number {
  const [partsA, partsB] = [a.split('.'), b.split('.')];
  const end = Math.min(partsA.length, partsB.length);
  for (let at = 0; at < end; at += 1) {
    const difference = compareParts(partsA[at]!, partsB[at]!);
    if (difference !== 0) return difference;
  }
  return partsA.length - partsB.length;
}

/**
 * Notes which paths are spoken for.
 *
 * @throws {@link ServerError} 40: the path, a part of it or a path below it was noted before
 */
export function notePath(noted: string[], path: string, messageOf: (conflict: string) => string): void {
  for (const other of noted) {
    if (other === path || path.startsWith(`${other}.`)) throw new ServerError(CODES.ConflictingUpdateOperators, messageOf(other));
    if (other.startsWith(`${path}.`)) throw new ServerError(CODES.ConflictingUpdateOperators, messageOf(path));
  }
  noted.push(path);
}

function stepOf(part: string): Step {
  if (part === '$') return { kind: 'matched' };
  if (part === '$[]') return { kind: 'every' };
  const filtered = /^\$\[(.+)\]$/.exec(part);
  return filtered ? { kind: 'filtered', id: filtered[1]! } : { kind: 'name', name: part };
}

function compareParts(a: string, b: string): number {
  if (a === b) return 0;
  if (isArrayIndex(a) && isArrayIndex(b)) return Number(a) - Number(b);
  return a < b ? -1 : 1;
}
