const UUID_OID = 2_950;
const UUID_BYTES = 16;
const HEADER_BYTES = 20;

/**
 * The parameter of an array of UUIDs, as PostgreSQL itself writes one: to read five hundred from text takes the server longer than the rest of
 * the statement that they come with. The driver sends a buffer as binary.
 */
export function uuidArray(ids: readonly string[]): Buffer {
  const bytes = Buffer.from(ids.join('').replaceAll('-', ''), 'hex');
  if (bytes.length !== ids.length * UUID_BYTES) throw new TypeError(`Not all of these are UUIDs: ${ids.slice(0, 3).join(', ')}.`);
  const array = Buffer.alloc(HEADER_BYTES + ids.length * (4 + UUID_BYTES));
  array.writeInt32BE(1, 0); // dimensions
  array.writeInt32BE(0, 4); // no nulls
  array.writeInt32BE(UUID_OID, 8);
  array.writeInt32BE(ids.length, 12);
  array.writeInt32BE(1, 16); // its first index
  for (let nth = 0, at = HEADER_BYTES; nth < ids.length; nth++, at += 4 + UUID_BYTES) {
    array.writeInt32BE(UUID_BYTES, at);
    bytes.copy(array, at + 4, nth * UUID_BYTES, (nth + 1) * UUID_BYTES);
  }
  return array;
}
