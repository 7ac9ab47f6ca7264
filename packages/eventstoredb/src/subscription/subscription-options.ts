import { InvalidOptionsError } from '@waybill/core';

export interface SubscriptionOptions {
  /** Under which name handlers see where messages come from. Part of what a message is known by, so never change it. Default `eventstoredb`. */
  readonly source?: string;
  /** After how much silence to ask the server whether there is nothing, in milliseconds. Default 30,000. */
  readonly silenceMs?: number;
  /** Follow links to the events that they point to, for streams that hold links; positions stay those of the links. Default false. */
  readonly resolveLinks?: boolean;
}

export type SubscriptionSettings = Required<SubscriptionOptions>;

/** @throws {@link InvalidOptionsError} */
export function subscriptionSettings({
  source = 'eventstoredb',
  silenceMs = 30_000,
  resolveLinks = false,
}: SubscriptionOptions): SubscriptionSettings {
  if (typeof source !== 'string' || source === '' || source.includes('\0') || !source.isWellFormed())
    throw new InvalidOptionsError(`The source ${JSON.stringify(source)} of a subscription is no name; leave it out, or pass a text.`);
  if (!(silenceMs > 0)) throw new InvalidOptionsError(`silenceMs is ${silenceMs}; it is a time in milliseconds, above 0.`);
  return { source, silenceMs, resolveLinks };
}
