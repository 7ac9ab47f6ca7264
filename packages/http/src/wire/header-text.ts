/** An attribute's value as a header can carry it: what is not printable ASCII, and space, quote and percent, is percent-encoded as UTF-8. */
export function toHeaderText(value: string): string {
  return value.toWellFormed().replace(/[^\x21-\x7e]+|["%]/g, (part) => percentEncoded(part));
}

/**
 * The value again, from what a header carries. Quoted values, which an older edition of the CloudEvents binding allowed, are read too; a `%` that
 * begins no code stays what it is.
 *
 * @returns undefined: the codes are no UTF-8
 */
export function fromHeaderText(text: string): string | undefined {
  const bare = /^"(.*)"$/s.exec(text)?.[1]?.replace(/\\(.)/g, '$1') ?? text;
  try {
    return bare.replace(/(?:%[0-9a-fA-F]{2})+/g, (codes) => decodeURIComponent(codes));
  } catch {
    return undefined;
  }
}

const percentEncoded = (part: string): string =>
  [...Buffer.from(part)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
