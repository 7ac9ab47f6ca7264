import type { StoppedState, StoppedStream } from '@waybill/core';
import { failureColumns, failureOf } from './failure-columns.js';
import type { FailureColumns } from './failure-columns.js';

/** SQL: an entry of `stopped_stream as s`, as text. */
export const STOPPED_COLUMNS = `
  s.stream, s.from_revision::text as from_revision, s.state, (extract(epoch from s.stopped_at) * 1000)::bigint::text as stopped_ms, ${failureColumns('s')}`;

export interface StoppedColumns extends FailureColumns {
  readonly stream: string;
  readonly from_revision: string;
  readonly state: StoppedState;
  readonly stopped_ms: string;
}

export const stoppedOf = (row: StoppedColumns): StoppedStream => ({
  ...{ stream: row.stream, fromRevision: BigInt(row.from_revision), state: row.state, failure: failureOf(row) },
  stoppedAt: new Date(Number(row.stopped_ms)),
});
