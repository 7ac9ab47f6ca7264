import type { EventStore } from '../store/event-store.js';
import type { GroupInfo } from '../wire/group-messages.js';
import { positionText } from './checkpoint.js';
import { ALL } from './group-definition.js';
import type { GroupDefinition } from './group-definition.js';
import type { SubscriptionGroup } from './subscription-group.js';

/** What the server tells about a group. Rates are not measured: they read 0. */
export function groupInfoOf(group: SubscriptionGroup, store: EventStore): GroupInfo {
  const { source, group: groupName, settings } = group.definition;
  return {
    eventSource: source,
    groupName,
    status: 'Live',
    connections: group.consumers.map(({ call, delivered, freeSlots, inHand }) => {
      const { from, connectionName } = call;
      return {
        from,
        username: 'anonymous',
        totalItems: delivered,
        availableSlots: freeSlots,
        inFlightMessages: inHand.size,
        connectionName,
      };
    }),
    totalItems: group.delivered,
    lastCheckpointedEventPosition: placeText(source, group.checkpoint.place),
    lastKnownEventPosition: placeText(source, lastPlaceOf(source, store)),
    resolveLinkTos: settings.resolveLinks,
    startFrom: startText(group.definition),
    messageTimeoutMilliseconds: settings.messageTimeoutMs,
    extraStatistics: settings.extraStatistics,
    maxRetryCount: settings.maxRetryCount,
    liveBufferSize: settings.liveBufferSize,
    bufferSize: settings.historyBufferSize,
    readBatchSize: settings.readBatchSize,
    checkPointAfterMilliseconds: settings.checkpointAfterMs,
    minCheckPointCount: settings.minCheckpointCount,
    maxCheckPointCount: settings.maxCheckpointCount,
    readBufferCount: group.waiting.read.length,
    liveBufferCount: group.liveBufferCount,
    retryBufferCount: group.waiting.again.length,
    totalInFlightMessages: group.inHand,
    outstandingMessagesCount: group.inHand,
    namedConsumerStrategy: settings.strategy,
    maxSubscriberCount: settings.maxSubscriberCount,
    parkedMessageCount: group.parked.count,
  };
}

function startText({ source, startFrom }: GroupDefinition): string {
  const place = startFrom === 'end' ? -1 : startFrom === 'start' ? 0 : startFrom;
  return placeText(source, place);
}

function placeText(source: string, place: number | undefined): string {
  if (place === undefined) return '';
  return source === ALL ? positionText(place) : `${place}`;
}

function lastPlaceOf(source: string, store: EventStore): number | undefined {
  if (source === ALL) return store.log.before(store.committedEnd)?.position;
  const stream = store.stream(source);
  const last = stream ? store.lastCommitted(stream) : -1;
  return last < 0 ? undefined : last;
}
