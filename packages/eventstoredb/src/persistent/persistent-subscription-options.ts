import { InvalidOptionsError, silentLogger } from '@waybill/core';
import type { Logger } from '@waybill/core';
import { subscriptionSettings } from '../subscription/subscription-options.js';
import { serverSettings } from './group-settings.js';
import type { GroupSettings, ServerSettings } from './group-settings.js';

export interface PersistentSubscriptionOptions {
  /** The group of consumers that share the messages: each gets its own. */
  readonly group: string;
  /** How the group is made where there is none; `false`: it must be there. Default `{}`. */
  readonly create?: GroupSettings | false;
  /** How many messages this consumer may have in hand, unanswered. Default 10. */
  readonly bufferSize?: number;
  /** Under which name handlers see where messages come from. Part of what a message is known by, so never change it. Default `eventstoredb`. */
  readonly source?: string;
  /** After how much silence to ask the server whether there is nothing, in milliseconds. Default 30,000. */
  readonly silenceMs?: number;
  /** Hears of a group that was made with other settings. Default: nobody. */
  readonly logger?: Logger;
}

export interface PersistentSubscriptionSettings extends Required<Omit<PersistentSubscriptionOptions, 'create'>> {
  readonly create: ServerSettings | undefined;
}

/** @throws {@link InvalidOptionsError} */
export function persistentSubscriptionSettings(options: PersistentSubscriptionOptions): PersistentSubscriptionSettings {
  const { group, create = {}, bufferSize = 10, logger = silentLogger, ...rest } = options;
  if (typeof group !== 'string' || group === '' || !group.isWellFormed())
    throw new InvalidOptionsError('A persistent subscription needs a group: consumers of one group share its messages. Pass { group }.');
  if (!(Number.isInteger(bufferSize) && bufferSize > 0))
    throw new InvalidOptionsError(`bufferSize is ${bufferSize}; it is how many messages a consumer may have in hand, at least 1.`);
  const { source, silenceMs } = subscriptionSettings(rest);
  return { group, bufferSize, logger, source, silenceMs, create: create === false ? undefined : serverSettings(create) };
}
