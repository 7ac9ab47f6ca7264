import type { GroupInfo } from './group.js';
import type { ServerSettings } from './group-settings.js';

/** What the server knows of a group. */
export interface PersistentSubscriptionInfo {
  /** In the server's words, e.g. `Live`. */
  readonly status: string;
  readonly consumers: number;
  /** Messages that consumers have in hand, unanswered. */
  readonly inFlight: number;
  /** Messages that the server has at hand, for whoever has room. */
  readonly waiting: bigint;
  /** Messages that were set aside. */
  readonly parked: bigint;
}

export function plainInfo({ status, connections, stats }: GroupInfo): PersistentSubscriptionInfo {
  return {
    status,
    consumers: connections.length,
    inFlight: stats.totalInFlightMessages,
    waiting: BigInt(stats.readBufferCount) + BigInt(stats.retryBufferCount), // in its live buffer are also some that it has handed out
    parked: stats.parkedMessageCount,
  };
}

/** Whether a consumer to which nothing comes should not believe it: the server does not know it, or holds messages that nobody has. */
export function isStuck({ consumers, inFlight, waiting }: PersistentSubscriptionInfo): boolean {
  return consumers === 0 || (waiting > 0n && inFlight === 0);
}

/** Names of the settings that are not as wanted. */
export function differences({ settings }: GroupInfo, wanted: ServerSettings): readonly string[] {
  const names = {
    maxRetryCount: 'maxRetries',
    messageTimeout: 'answerTimeoutMs',
    resolveLinkTos: 'resolveLinks',
    consumerStrategyName: 'strategy',
  };
  const keys = Object.keys(names) as (keyof typeof names)[];
  return keys.filter((key) => settings[key] !== wanted[key]).map((key) => names[key]);
}
