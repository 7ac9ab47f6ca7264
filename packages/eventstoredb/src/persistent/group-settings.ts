import {
  DISPATCH_TO_SINGLE,
  END,
  PINNED,
  persistentSubscriptionToStreamSettingsFromDefaults,
  ROUND_ROBIN,
  START,
} from '@eventstore/db-client';
import { InvalidOptionsError } from '@waybill/core';

/** How a group is made. What is made already stays as it is. */
export interface GroupSettings {
  /** Where a new group begins. Default `beginning`. */
  readonly from?: 'beginning' | 'now';
  /** How often a message is handed out again before the server parks it. Default 10. */
  readonly maxRetries?: number;
  /** How long a consumer may take for a message until it is handed out again, in milliseconds. Default 30,000. */
  readonly answerTimeoutMs?: number;
  /** Which consumer gets a message: the next one; one for all, until it is full; or the same for all messages of a stream, mostly. Default `round-robin`. */
  readonly strategy?: keyof typeof STRATEGIES;
  /** Follow links to the events that they point to. Default false. */
  readonly resolveLinks?: boolean;
}

const STRATEGIES = { 'round-robin': ROUND_ROBIN, 'dispatch-to-single': DISPATCH_TO_SINGLE, pinned: PINNED } as const;

export type ServerSettings = ReturnType<typeof serverSettings>;

/** As the server has them. @throws {@link InvalidOptionsError} */
export function serverSettings(settings: GroupSettings) {
  const { from = 'beginning', maxRetries = 10, answerTimeoutMs = 30_000, strategy = 'round-robin', resolveLinks = false } = settings;
  if (from !== 'beginning' && from !== 'now')
    throw new InvalidOptionsError(`A group cannot begin from "${String(from)}"; choose "beginning" or "now".`);
  if (!Object.hasOwn(STRATEGIES, strategy))
    throw new InvalidOptionsError(`Strategy "${String(strategy)}" does not exist; choose ${Object.keys(STRATEGIES).join(', ')}.`);
  if (!(Number.isInteger(maxRetries) && maxRetries >= 0))
    throw new InvalidOptionsError(`maxRetries is ${maxRetries}; it is a count, 0 or more.`);
  if (!(Number.isInteger(answerTimeoutMs) && answerTimeoutMs > 0))
    throw new InvalidOptionsError(`answerTimeoutMs is ${answerTimeoutMs}; it is a whole number of milliseconds, above 0.`);
  const startFrom: typeof START | typeof END = from === 'beginning' ? START : END;
  return {
    ...persistentSubscriptionToStreamSettingsFromDefaults({
      maxRetryCount: maxRetries,
      messageTimeout: answerTimeoutMs,
      consumerStrategyName: STRATEGIES[strategy],
      resolveLinkTos: resolveLinks,
    }),
    startFrom,
  };
}
