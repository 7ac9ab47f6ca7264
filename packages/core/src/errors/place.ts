/** Where a stream is, in words. */
export const place = (revision: bigint | undefined): string => (revision === undefined ? 'no stream' : `revision ${revision}`);
