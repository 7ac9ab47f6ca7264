import { silentLogger } from '@waybill/core';
import type { DeliveryContext } from '@waybill/core';

/** What a lane tells its sink: the first try of a batch that was never delivered before, in order within each stream. */
export const aDeliveryContext = (overrides: Partial<DeliveryContext> = {}): DeliveryContext => ({
  ...{ signal: new AbortController().signal, route: 'contract', lane: 0, order: 'stream', epoch: 1n, attempt: 1 },
  ...{ mayBeRepeat: false, previous: () => undefined, logger: silentLogger },
  ...overrides,
});
