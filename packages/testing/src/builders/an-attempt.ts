import type { DeliveryAttempt } from '@waybill/core';

/** A valid line of the delivery history: these messages were delivered together. */
export function anAttempt(messageIds: readonly string[], overrides: Partial<DeliveryAttempt> = {}): DeliveryAttempt {
  return {
    messageIds,
    outcome: 'delivered',
    startedAt: new Date('2024-02-29T12:00:00.123Z'),
    durationMs: 40,
    detail: '200 OK',
    ...overrides,
  };
}
