import { ALL } from '../persistent/group-definition.js';
import type { GroupDefinition, GroupSettings, StrategyName } from '../persistent/group-definition.js';
import { streamNameOf } from './append-messages.js';
import type { DefineGroupRequest, SourceChoice, WireSettings } from './group-messages.js';
import { bigintOf, numberOf } from './int64.js';

const END = 2n ** 64n - 1n;
const TICKS_PER_MS = 10_000;
const NUMBERED_STRATEGIES: readonly StrategyName[] = ['DispatchToSingle', 'RoundRobin', 'Pinned'];

/** @returns the stream's name, `$all`, or `undefined` for a name that no stream can have */
export function sourceOf({ streamIdentifier, all }: SourceChoice): string | undefined {
  return all ? ALL : streamNameOf(streamIdentifier);
}

/** @returns `undefined` when the request lacks what every group needs */
export function groupDefinitionOf({ options }: DefineGroupRequest): GroupDefinition | undefined {
  const source = options?.all ? ALL : streamNameOf(options?.stream?.streamIdentifier ?? options?.streamIdentifier);
  if (!options?.settings || source === undefined || options.groupName === '') return undefined;
  const filter = filterOf(options.all?.filter);
  return {
    source,
    group: options.groupName,
    startFrom: startOf(options),
    settings: settingsOf(options.settings),
    ...(filter && { filter }),
  };
}

function startOf({ stream, all, settings }: NonNullable<DefineGroupRequest['options']>): GroupDefinition['startFrom'] {
  if (!stream && !all) return bigintOf(settings!.revision) === END ? 'end' : numberOf(settings!.revision);
  if (stream?.from === 'revision') return numberOf(stream.revision);
  if (all?.from === 'position') return numberOf(all.position!.commitPosition);
  return (stream?.from ?? all?.from) === 'end' ? 'end' : 'start';
}

function filterOf(filter: NonNullable<NonNullable<DefineGroupRequest['options']>['all']>['filter']): GroupDefinition['filter'] {
  const expression = filter?.on === undefined ? undefined : filter[filter.on];
  return filter?.on && expression ? { on: filter.on, regex: expression.regex, prefix: [...expression.prefix] } : undefined;
}

function settingsOf(wire: WireSettings): GroupSettings {
  const { messageTimeout, messageTimeoutTicks, messageTimeoutMs, checkpointAfter, checkpointAfterTicks, checkpointAfterMs } = wire;
  return {
    resolveLinks: wire.resolveLinks,
    extraStatistics: wire.extraStatistics,
    messageTimeoutMs: messageTimeout === 'messageTimeoutTicks' ? numberOf(messageTimeoutTicks) / TICKS_PER_MS : messageTimeoutMs,
    checkpointAfterMs: checkpointAfter === 'checkpointAfterTicks' ? numberOf(checkpointAfterTicks) / TICKS_PER_MS : checkpointAfterMs,
    maxRetryCount: wire.maxRetryCount,
    minCheckpointCount: wire.minCheckpointCount,
    maxCheckpointCount: wire.maxCheckpointCount,
    maxSubscriberCount: wire.maxSubscriberCount,
    liveBufferSize: wire.liveBufferSize,
    readBatchSize: wire.readBatchSize,
    historyBufferSize: wire.historyBufferSize,
    // A name that the client does not know arrives as no number at all, which is the first one.
    strategy: (wire.consumerStrategy as StrategyName) || (NUMBERED_STRATEGIES[wire.namedConsumerStrategy] ?? 'DispatchToSingle'),
  };
}
