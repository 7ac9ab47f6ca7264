import { randomUUID } from 'node:crypto';
import type { InboxClaim } from '@waybill/core';

/** A claim that nobody else has made. */
export const aClaim = (overrides: Partial<InboxClaim> = {}): InboxClaim => ({
  ...{ handler: 'send-receipt', messageId: randomUUID(), source: 'handlers', firstAttemptAt: new Date() },
  ...overrides,
});
