import type { Document } from 'bson';

/**
 * The values an index holds for a document: arrays are expanded to their elements, an empty array gives `undefined`, and a
 * path that leads nowhere gives `null`. Never empty.
 */
export function valuesAt(_document: Document, _path: string): readonly unknown[] {
  throw new Error('not yet');
}
