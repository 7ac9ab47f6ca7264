import { persistentSubscriptionToStreamSettingsFromDefaults, START } from '@eventstore/db-client';
import type {
  EventStoreDBClient,
  PersistentAction,
  PersistentSubscriptionToStream,
  PersistentSubscriptionToStreamResolvedEvent,
  PersistentSubscriptionToStreamSettings,
} from '@eventstore/db-client';
import { eventually } from '@waybill/testing';

export type Delivered = PersistentSubscriptionToStreamResolvedEvent;

/** A consumer of a persistent subscription under observation: what was delivered to it, in order. */
export interface WatchedConsumer {
  readonly delivered: readonly Delivered[];
  readonly confirmed: Promise<void>;
  /** Resolves with the error that ended it. */
  readonly failure: Promise<Error & { readonly type: string }>;
  /** Resolves with everything delivered once it is so many. */
  receives(count: number): Promise<readonly Delivered[]>;
  ack(...events: Delivered[]): Promise<void>;
  nack(action: PersistentAction, reason: string, ...events: Delivered[]): Promise<void>;
  end(): Promise<void>;
}

export interface WatchOptions {
  readonly bufferSize?: number;
  /** Answers each delivery as it comes. */
  readonly acks?: boolean;
}

/** From the beginning, unless they say otherwise. */
export const groupSettings = (changes: Partial<PersistentSubscriptionToStreamSettings> = {}): PersistentSubscriptionToStreamSettings =>
  persistentSubscriptionToStreamSettingsFromDefaults({ startFrom: START, ...changes });

/** @param stream - omitted for a group of `$all` */
export function consume(
  client: EventStoreDBClient,
  { stream, group, bufferSize = 10, acks = false }: WatchOptions & { readonly stream?: string; readonly group: string },
): WatchedConsumer {
  const subscription = (
    stream === undefined
      ? client.subscribeToPersistentSubscriptionToAll(group, { bufferSize })
      : client.subscribeToPersistentSubscriptionToStream(stream, group, { bufferSize })
  ) as PersistentSubscriptionToStream;
  const delivered: Delivered[] = [];
  subscription.on('data', (event) => {
    delivered.push(event);
    if (acks) void subscription.ack(event);
  });
  return {
    delivered,
    confirmed: new Promise((resolve) => subscription.on('confirmation', resolve)),
    failure: new Promise((resolve) => subscription.on('error', resolve as never)),
    receives: (count) => eventually(`${count} deliveries`, async () => (delivered.length >= count ? delivered : undefined)),
    ack: (...events) => subscription.ack(...events),
    nack: (action, reason, ...events) => subscription.nack(action, reason, ...events),
    end: () => subscription.unsubscribe(),
  };
}
