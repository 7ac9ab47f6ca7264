import type { Followed } from './following.js';
import type { SubscriptionAdvance } from './subscription-store.js';
import { contentOf } from './troubles.js';

/** How far the transaction of these messages takes the subscription. */
export function stepThrough(batch: readonly Followed[]): SubscriptionAdvance {
  const { position } = batch.at(-1)!;
  const last = batch.findLast((followed) => followed.kind === 'message');
  const revisions = new Map<string, bigint>();
  for (const { stream, revision } of batch.map(contentOf)) revisions.set(stream, revision);
  return {
    ...{ position, lastMessage: position, messages: batch.length },
    ...(last && { lastOccurredAt: last.message.occurredAt }),
    streams: [...revisions].map(([stream, revision]) => ({ stream, revision })),
  };
}
