/** Text that PostgreSQL takes, in JSON too: what a target answers may hold anything. */
export const plainText = (text: string): string => text.replaceAll('\0', '').toWellFormed();

/** JSON of values whose texts came from outside. */
export const plainJson = (value: unknown): string =>
  JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'string' ? plainText(inner) : typeof inner === 'bigint' ? String(inner) : inner,
  );
