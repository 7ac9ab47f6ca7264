import { randomUUID } from 'node:crypto';
import type { Database, SubscriptionAdvance, SubscriptionGrant, SubscriptionReport } from '@waybill/core';

/** A valid step of a subscription: one message of one stream, at this position. */
export function anAdvance(position: bigint, overrides: Partial<SubscriptionAdvance> = {}): SubscriptionAdvance {
  return {
    position,
    lastMessage: position,
    lastOccurredAt: new Date('2024-02-29T12:00:00.000Z'),
    messages: 1,
    streams: [{ stream: 'order-7', revision: position }],
    ...overrides,
  };
}

/** A valid report: running, behind by nobody knows how much. */
export function aReport(overrides: Partial<SubscriptionReport> = {}): SubscriptionReport {
  return { state: 'running', failure: undefined, caughtUp: false, head: undefined, resumed: false, ...overrides };
}

/** A subscription that nobody knew, leased to `one` for a minute unless told otherwise. */
export async function aHeldSubscription(
  { subscriptions }: Pick<Database, 'subscriptions'>,
  { leaseMs = 60_000, start }: { readonly leaseMs?: number; readonly start?: bigint } = {},
): Promise<SubscriptionGrant> {
  const subscription = `orders-${randomUUID()}`;
  await subscriptions.register(subscription, 'a log', start);
  return (await subscriptions.acquire({ subscription, owner: 'one', leaseMs }))!;
}
