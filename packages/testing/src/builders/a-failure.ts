import { randomUUID } from 'node:crypto';
import type { LaneFailure } from '@waybill/core';

/** A valid failure, of a message that its sink refused. */
export function aFailure(overrides: Partial<LaneFailure> = {}): LaneFailure {
  return {
    ...{ messageId: randomUUID(), stream: 'order-7', revision: 0n, attempts: 1, code: 'MESSAGE_REJECTED', error: 'refused' },
    nextTryAt: undefined,
    ...overrides,
  };
}
