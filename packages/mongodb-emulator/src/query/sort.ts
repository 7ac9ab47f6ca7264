import type { Document } from 'bson';

/** @throws {@link ServerError} the sort is not valid */
export function compileSort(_sort: Document): (a: Document, b: Document) => number {
  throw new Error('not yet');
}
