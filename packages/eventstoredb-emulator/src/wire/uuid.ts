import { bigintOf } from './int64.js';
import type { Uuid } from './messages.js';

const CANONICAL = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const NIL = '00000000-0000-0000-0000-000000000000';

/**
 * Reads an id as the real server does: upper case, braces and missing dashes are fine, and all of them become lower case with dashes.
 *
 * @returns `undefined` for a nil id and for text that is no UUID
 */
export function uuidOf(uuid: Uuid | null | undefined): string | undefined {
  const text = textOf(uuid);
  if (CANONICAL.test(text)) return text === NIL ? undefined : text;

  const digits = text
    .trim()
    .replace(/^\{(.*)\}$/, '$1')
    .toLowerCase();
  const dashed = /^[0-9a-f]{32}$/.test(digits) ? digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5') : digits;
  return CANONICAL.test(dashed) && dashed !== NIL ? dashed : undefined;
}

function textOf(uuid: Uuid | null | undefined): string {
  if (!uuid?.structured) return uuid?.text ?? '';
  const hex = (bits: bigint): string => bits.toString(16).padStart(16, '0');
  return hex(bigintOf(uuid.structured.mostSignificantBits)) + hex(bigintOf(uuid.structured.leastSignificantBits));
}
