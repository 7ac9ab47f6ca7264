import { InvalidOptionsError } from '@waybill/core';

const LONGEST_IDENTIFIER_BYTES = 63;

/** Checks a schema's name and quotes it: any name PostgreSQL takes, also one that needs quoting. */
export function quotedSchema(schema: string): string {
  const refuse = (reason: string): InvalidOptionsError => new InvalidOptionsError(`Schema name ${JSON.stringify(schema)} ${reason}.`);
  if (typeof schema !== 'string' || schema === '') throw refuse('is empty; leave `schema` out for "waybill"');
  if (schema.includes('\0')) throw refuse('holds a NUL character');
  if (Buffer.byteLength(schema) > LONGEST_IDENTIFIER_BYTES)
    throw refuse(`is longer than ${LONGEST_IDENTIFIER_BYTES} bytes, and PostgreSQL would cut it off`);
  if (/^pg_/.test(schema)) throw refuse('begins with "pg_", which PostgreSQL keeps for itself');
  return `"${schema.replaceAll('"', '""')}"`;
}
