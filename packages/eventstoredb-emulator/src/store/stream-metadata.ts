/** What a metadata event says about keeping and reading its stream. */
export interface StreamMetadata {
  readonly maxCount?: number;
  readonly maxAgeMs?: number;
  /** Events before this revision are not readable. */
  readonly truncateBefore?: number;
  /** As written by a soft delete: the stream reads as if it were missing, and goes on counting when written to again. */
  readonly softDeleted: boolean;
}

/** Larger than any revision; `$tb` with this value is a soft delete, an event with this revision a tombstone. */
export const DELETED_REVISION = 2n ** 63n - 1n;

const KEPT_WHOLE: StreamMetadata = { softDeleted: false };
const LATEST_ONLY: StreamMetadata = { maxCount: 1, softDeleted: false };

/** The name of the stream that holds a stream's metadata. */
export function metastreamOf(stream: string): string {
  return `$$${stream}`;
}

export function isMetastream(stream: string): boolean {
  return stream.startsWith('$$');
}

/** The stream that a metastream describes. */
export function describedBy(metastream: string): string {
  return metastream.slice(2);
}

/** What holds for a stream nobody has described. Metadata streams keep their latest event only. */
export function defaultMetadata(stream: string): StreamMetadata {
  return isMetastream(stream) ? LATEST_ONLY : KEPT_WHOLE;
}

/** Reads a metadata event. One unacceptable value makes the real server ignore all of them, so it does here. */
export function parseMetadata(data: Uint8Array): StreamMetadata {
  const fields = jsonObject(data);
  const maxCount = fields['$maxCount'];
  const maxAge = fields['$maxAge'];
  const truncateBefore = fields['$tb'];
  if (!isAtLeast(1, maxCount) || !isAtLeast(1, maxAge) || !isAtLeast(0, truncateBefore)) return KEPT_WHOLE;
  return {
    ...(maxCount === undefined ? {} : { maxCount }),
    ...(maxAge === undefined ? {} : { maxAgeMs: maxAge * 1_000 }),
    ...(truncateBefore === undefined ? {} : { truncateBefore }),
    softDeleted: truncateBefore === Number(DELETED_REVISION),
  };
}

/** The metadata that a soft delete writes. As text: the number is too large for a JavaScript number. */
export function softDeletion(): Uint8Array {
  return Buffer.from(`{"$tb":${DELETED_REVISION}}`);
}

/** The metadata that brings a soft-deleted stream back: as it was, readable from `revision` on. */
export function recreation(current: Uint8Array, revision: number): Uint8Array {
  return Buffer.from(JSON.stringify({ ...jsonObject(current), $tb: revision }));
}

function jsonObject(data: Uint8Array): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(Buffer.from(data).toString());
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function isAtLeast(least: number, value: unknown): value is number | undefined {
  return value === undefined || (typeof value === 'number' && value >= least);
}
