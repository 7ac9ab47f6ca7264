import type { MessageToAppend, StreamAppend } from '@waybill/core';

/** SQL: one call, which answers the transaction's id and each stream's first revision. Takes {@link appendValues}. */
export const appendStatement = (schema: string): string => `select ${schema}.append($1::text::text[], $2::text::text[]) as appended`;

/** The parameters of {@link appendStatement}, of at least one append. */
export const appendValues = (appends: readonly StreamAppend[]): readonly string[] =>
  [appends.map(streamFields), appends.flatMap(({ messages }) => messages.map(messageFields))].map(arrayText);

type Field = string | number | bigint | undefined;

function streamFields({ stream, hash, expected, adopt, messages }: StreamAppend): readonly Field[] {
  const mode = expected === 'any' ? 'any' : expected === 'no-stream' ? 'new' : adopt ? 'adopt' : 'exact';
  return [stream, hash, mode, typeof expected === 'bigint' ? expected : undefined, messages.length];
}

function messageFields(message: MessageToAppend): readonly Field[] {
  const { id, kind, type, schemaVersion, codec, payload, metadata, aggregate, occurredAt } = message;
  return [id, kind, type, schemaVersion, codec, payload, JSON.stringify(metadata), aggregate?.type, aggregate?.id, occurredAt.getTime()];
}

// Made here because not every handle passes arrays on. Payload and metadata are text in it: their own escapes, \u0000 and half
// surrogates included, are then never looked at by the server, and what was written is what is stored.
const arrayText = (rows: readonly (readonly Field[])[]): string =>
  `{${rows.map((fields) => `{${fields.map(elementText).join()}}`).join()}}`;

function elementText(field: Field): string {
  if (field === undefined) return 'NULL';
  return typeof field === 'string' ? `"${field.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"` : String(field);
}
