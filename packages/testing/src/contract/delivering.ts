import { isWaybillError, SinkUnavailableError } from '@waybill/core';
import type { Delivery, DeliveryContext, OutboxMessage, Sink } from '@waybill/core';
import { aDeliveryContext } from '../builders/a-delivery-context.js';
import { BrokenRuleError, checkedDelivery } from './checked-delivery.js';

const TRIES = 50;

/** Delivers as a lane does: what the sink rejects with is the sink's trouble. */
export async function deliverTo(sink: Sink, batch: readonly OutboxMessage[], overrides: Partial<DeliveryContext> = {}): Promise<Delivery> {
  try {
    return checkedDelivery(await sink.deliver(batch, aDeliveryContext(overrides)), batch);
  } catch (cause) {
    if (cause instanceof BrokenRuleError) throw cause;
    return { accepted: 0, failure: new SinkUnavailableError(String(cause), { cause }) };
  }
}

/** Delivers again until the sink has found its target again; a message's own fault ends it. */
export async function untilAccepted(attempt: () => Promise<Delivery>): Promise<void> {
  for (let tries = 1; ; tries++) {
    const { failure } = await attempt();
    if (!failure) return;
    if (tries === TRIES || !isWaybillError(failure, 'SINK_UNAVAILABLE')) throw failure;
    await new Promise((resolve) => setTimeout(resolve, tries));
  }
}
