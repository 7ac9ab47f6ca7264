import { Binary, calculateObjectSize } from 'bson';
import type { Document } from 'bson';

/** The most bytes a document may have. */
export const MOST_DOCUMENT_BYTES = 16 * 1024 * 1024;

const MOST_BYTES_A_CHARACTER = 3;
const MOST_BYTES_A_SCALAR = 32;

/** @returns the document's bytes if they are too many; undefined if they are not. Documents that are surely small are not measured. */
export function excessOf(document: Document): number | undefined {
  if (roomBehind(document, MOST_DOCUMENT_BYTES) >= 0) return undefined;
  const bytes = calculateObjectSize(document, { ignoreUndefined: false });
  return bytes > MOST_DOCUMENT_BYTES ? bytes : undefined;
}

/** What is left of the room when the value takes as much as it possibly can. */
function roomBehind(value: unknown, before: number): number {
  if (typeof value === 'string') return before - MOST_BYTES_A_SCALAR - value.length * MOST_BYTES_A_CHARACTER;
  if (typeof value !== 'object' || value === null) return before - MOST_BYTES_A_SCALAR;
  if (value instanceof Binary) return before - MOST_BYTES_A_SCALAR - value.position;
  let room = before - MOST_BYTES_A_SCALAR;
  for (const field in value) {
    room = roomBehind((value as Document)[field], room - field.length * MOST_BYTES_A_CHARACTER);
    if (room < 0) return room;
  }
  return room;
}
