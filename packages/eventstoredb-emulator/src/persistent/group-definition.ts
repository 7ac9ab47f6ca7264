import type { FilterExpression } from '../wire/messages.js';

/** How a group hands its messages out: to which of its consumers. */
export type StrategyName = 'RoundRobin' | 'DispatchToSingle' | 'Pinned' | 'PinnedByCorrelation';

/** The settings of a subscription group, as the real server names and means them. */
export interface GroupSettings {
  readonly resolveLinks: boolean;
  /** Kept and told again; this server gathers no statistics. */
  readonly extraStatistics: boolean;
  /** Time in which a consumer must answer, in milliseconds; 0 for any. */
  readonly messageTimeoutMs: number;
  /** How often a message is delivered again before it is parked. */
  readonly maxRetryCount: number;
  /** Shortest time between two checkpoints, in milliseconds, unless the upper count is reached. */
  readonly checkpointAfterMs: number;
  readonly minCheckpointCount: number;
  readonly maxCheckpointCount: number;
  /** 0 for any number. */
  readonly maxSubscriberCount: number;
  /** Kept and told again: this server reads from its log when a consumer has room, live or not. */
  readonly liveBufferSize: number;
  readonly readBatchSize: number;
  /** Most messages that are read and not yet delivered, those to be delivered again included. */
  readonly historyBufferSize: number;
  readonly strategy: StrategyName;
}

/** A subscription group as it was created. It is stored in this shape. */
export interface GroupDefinition {
  /** A stream's name, or `$all`. */
  readonly source: string;
  readonly group: string;
  /** The first revision, or position in `$all`, to deliver. */
  readonly startFrom: number | 'start' | 'end';
  /** Only for `$all`. */
  readonly filter?: { readonly on: 'streamIdentifier' | 'eventType' } & FilterExpression;
  readonly settings: GroupSettings;
}

export const ALL = '$all';

/** The name under which the server knows a group; part of the names of its own streams. */
export function keyOf({ source, group }: Pick<GroupDefinition, 'source' | 'group'>): string {
  return `${source}::${group}`;
}
