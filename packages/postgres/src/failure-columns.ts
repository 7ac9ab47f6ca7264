import type { LaneFailure } from '@waybill/core';

/** SQL: a failure, as text, of a lane or of a stopped stream. */
export const failureColumns = (alias: string): string => `
  ${alias}.failed_id::text as failed_id, ${alias}.failed_stream, ${alias}.failed_revision::text as failed_revision, ${alias}.attempts::text as attempts,
  (extract(epoch from ${alias}.next_try_at) * 1000)::bigint::text as next_try_ms, ${alias}.error_code, ${alias}.last_error`;

export interface FailureColumns {
  readonly failed_id: string;
  readonly failed_stream: string;
  readonly failed_revision: string;
  readonly attempts: string;
  readonly next_try_ms: string | null;
  readonly error_code: string;
  readonly last_error: string;
}

export const failureOf = (row: FailureColumns): LaneFailure => ({
  messageId: row.failed_id,
  stream: row.failed_stream,
  revision: BigInt(row.failed_revision),
  attempts: Number(row.attempts),
  nextTryAt: row.next_try_ms === null ? undefined : new Date(Number(row.next_try_ms)),
  code: row.error_code,
  error: row.last_error,
});

/** Of a lane, which need not have failed. */
export const laneFailureOf = (row: Omit<FailureColumns, 'failed_id'> & { readonly failed_id: string | null }): LaneFailure | undefined =>
  row.failed_id === null ? undefined : failureOf({ ...row, failed_id: row.failed_id });
