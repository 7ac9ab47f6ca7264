import type { Readable } from 'node:stream';
import type { Credentials, EventStoreDBClient } from '@eventstore/db-client';
import type { LogEntry } from '@waybill/core';
import type { Selection } from './selection.js';

export interface OpenSubscriptionOptions {
  readonly selection: Selection;
  readonly after: bigint | undefined;
  readonly types: readonly string[] | undefined;
  readonly resolveLinks: boolean;
  readonly credentials: Credentials | undefined;
}

/** Hands out resolved events and, among them, log entries of what the client tells beside them. */
export type OpenSubscription = Readable & { unsubscribe(): Promise<void> };

// The client keeps twice as many, and the connection its window: what a reader that does not ask has in memory.
const EVENTS_AHEAD = 32;

/** Subscribes behind `after`. What is told beside the events takes its place among them: it is true of what was read before it. */
export function openSubscription(client: EventStoreDBClient, options: OpenSubscriptionOptions): OpenSubscription {
  const subscription = subscribe(client, options);
  subscription.on('caughtUp', () => tell(subscription, { kind: 'caught-up' }));
  subscription.on('fellBehind', () => tell(subscription, { kind: 'fell-behind' }));
  return subscription;
}

/** Takes the place behind what was received so far. */
export function tell(subscription: OpenSubscription, entry: LogEntry): void {
  if (!subscription.destroyed) subscription.push(entry);
}

function subscribe(
  client: EventStoreDBClient,
  { selection, after, types, resolveLinks, credentials }: OpenSubscriptionOptions,
): OpenSubscription {
  const base = { resolveLinkTos: resolveLinks, ...(credentials && { credentials }) };
  const ahead = { highWaterMark: EVENTS_AHEAD };
  if (selection.stream !== undefined) return client.subscribeToStream(selection.stream, { ...base, fromRevision: after ?? 'start' }, ahead);

  // Catching up, a checkpoint has no prepare position; its commit position alone leads there.
  const checkpointReached = async (its: OpenSubscription, { commit }: { commit: bigint }): Promise<void> =>
    tell(its, { kind: 'passed', position: commit });
  const fromPosition = after === undefined ? 'start' : { commit: after, prepare: after };
  return client.subscribeToAll({ ...base, fromPosition, filter: { ...selection.filter(types), checkpointReached } }, ahead);
}
