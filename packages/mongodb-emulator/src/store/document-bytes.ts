import { serialize } from 'bson';
import type { Document } from 'bson';

const BYTES = Symbol('bytes');

/**
 * A document serialized. Kept with the document, so that one that is stored is serialized once however often it is read.
 *
 * The document must never change afterwards; a copy of it (`{ ...document }`) does not inherit the bytes.
 */
export function bytesOf(document: Document): Uint8Array {
  const known = (document as { readonly [BYTES]?: Uint8Array })[BYTES];
  if (known) return known;
  const bytes = serialize(document, { ignoreUndefined: false });
  Object.defineProperty(document, BYTES, { value: bytes }); // not enumerable: a spread must not copy it
  return bytes;
}
