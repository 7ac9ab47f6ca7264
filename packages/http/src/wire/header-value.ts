/**
 * A text as the value of a header, as the HTTP binding of CloudEvents wants it: space, quote, percent and whatever is not printable ASCII become
 * percent-encoded UTF-8.
 */
export function asHeaderValue(text: string): string {
  return text.replace(/[\x00-\x20"%\x7f-\uffff]+/g, percentEncoded);
}

/** What {@link asHeaderValue} was made of. What is no percent-encoding stays as it is: others may not encode. */
export function fromHeaderValue(value: string): string {
  return value.replace(/(?:%[0-9a-f]{2})+/gi, (encoded) => {
    try {
      return decodeURIComponent(encoded);
    } catch {
      return encoded;
    }
  });
}

function percentEncoded(characters: string): string {
  return [...Buffer.from(characters)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
}
