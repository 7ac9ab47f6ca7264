import type { StoppedStream } from '@waybill/core';
import { aFailure } from './a-failure.js';

/** A valid entry of a stream that was parked at a revision. */
export function aStoppedStream(stream: string, fromRevision: bigint, overrides: Partial<StoppedStream> = {}): StoppedStream {
  const failure = aFailure({ stream, revision: fromRevision });
  return { stream, fromRevision, state: 'parked', failure, stoppedAt: new Date('2024-02-29T12:00:00.123Z'), ...overrides };
}
