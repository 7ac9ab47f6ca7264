import type { LaneFailure } from '@waybill/core';
import { int64 } from './int64.js';
import type { FailureDocument } from './stored-documents.js';

export function failureDocument({ messageId, stream, revision, attempts, nextTryAt, code, error }: LaneFailure): FailureDocument {
  return { messageId, stream, revision: int64(revision), attempts, nextTryAt: nextTryAt ?? null, code, error };
}

export const failureOf = (failure: FailureDocument): LaneFailure => ({
  ...failure,
  revision: failure.revision.toBigInt(),
  nextTryAt: failure.nextTryAt ?? undefined,
});
