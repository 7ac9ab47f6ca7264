import { InvalidOptionsError } from '@waybill/core';
import { isOwnAttribute } from '../wire/attributes.js';
import type { DoorRules } from './door.js';
import type { HttpSinkOptions } from './http-sink-options.js';
import type { TargetManner, TargetOptions } from './target-options.js';

const MANNER = [
  ...['mode', 'idempotent', 'secrets', 'headers', 'credentials', 'request', 'classify', 'query', 'policy', 'publicOnly'],
  ...['redirects', 'maxAnswerBytes'],
] as readonly (keyof TargetManner)[];

export interface CheckedSinkOptions {
  readonly targets: readonly TargetOptions[];
  readonly rules: DoorRules;
  readonly inFlight: number;
  readonly batch: { readonly messages: number; readonly bytes: number };
  readonly batches: boolean;
}

/** @throws {@link InvalidOptionsError} what cannot work, or has to be said */
export function checkedSinkOptions(options: HttpSinkOptions): CheckedSinkOptions {
  const { source, metadata = [], inFlight = 8 } = options;
  if (typeof source !== 'string' || !/^[\x21-\x7e]+$/.test(source))
    throw new InvalidOptionsError('`source` says who sends, as a URI without spaces, e.g. "/shop" or "urn:example:shop".');
  for (const key of metadata)
    if (!isOwnAttribute(key))
      throw new InvalidOptionsError(
        `Metadata ${JSON.stringify(key)} cannot be sent as a CloudEvents attribute: a name is up to 20 lower-case letters and digits, and none that means something already.`,
      );
  const batch = { messages: options.batch?.messages ?? 100, bytes: options.batch?.bytes ?? 512 * 1_024 };
  wholeNumber('inFlight', inFlight, 1, 1_000);
  wholeNumber('batch.messages', batch.messages, 1, 10_000);
  wholeNumber('batch.bytes', batch.bytes, 1, Number.MAX_SAFE_INTEGER);

  const targets = targetsOf(options);
  const batching = targets.filter(({ mode }) => mode === 'batch').length;
  if (batching > 0 && batching < targets.length) throw new InvalidOptionsError('Either all targets take batches, or none does.');
  if (batching > 0 && options.reply)
    throw new InvalidOptionsError('`reply` reads the answer to one message; it does not go with `mode: batch`.');
  return { targets, rules: rulesOf(options), inFlight, batch, batches: batching > 0 };
}

function targetsOf(options: HttpSinkOptions): readonly TargetOptions[] {
  const { url, targets, targetsAre, safeAcrossTargets, failover } = options;
  const manner: TargetManner = Object.fromEntries(MANNER.filter((key) => options[key] !== undefined).map((key) => [key, options[key]]));
  if ((url === undefined) === (targets === undefined)) throw new InvalidOptionsError('Say where to send: either `url` or `targets`.');
  if (targets?.length === 0) throw new InvalidOptionsError('`targets` is empty: there is nowhere to send to.');
  const all = targets?.map((target) => ({ ...manner, ...target })) ?? [{ ...manner, url: url! }];
  if (all.length > 1) {
    if (targetsAre !== 'doors-to-one-receiver' && targetsAre !== 'independent')
      throw new InvalidOptionsError(
        'Routes are ordered, and several targets can break the order that one receiver sees. Say `targetsAre`: "doors-to-one-receiver" where they lead to one inbox, ' +
          'or "independent" where each message may go to any of them.',
      );
  } else if (targetsAre !== undefined || safeAcrossTargets !== undefined || failover !== undefined) {
    throw new InvalidOptionsError('`targetsAre`, `safeAcrossTargets` and `failover` are for several targets; there is one.');
  }
  return all;
}

function rulesOf({ failover = {} }: HttpSinkOptions): DoorRules {
  const { failuresInARow = 3, errorRate = 0.5, p95Ms, least = 10, back = 'by-itself', backAfterMs = 60_000 } = failover;
  wholeNumber('failover.failuresInARow', failuresInARow, 1, 1_000_000);
  wholeNumber('failover.least', least, 1, 100);
  if (!(errorRate > 0 && errorRate <= 1))
    throw new InvalidOptionsError(`failover.errorRate is ${errorRate}; it must be above 0, and 1 at most.`);
  if (p95Ms !== undefined && !(p95Ms > 0))
    throw new InvalidOptionsError(`failover.p95Ms is ${p95Ms}; it must be more than 0 milliseconds.`);
  if (!(backAfterMs >= 0)) throw new InvalidOptionsError(`failover.backAfterMs is ${backAfterMs}; it must be 0 milliseconds or more.`);
  if (back !== 'by-itself' && back !== 'by-hand')
    throw new InvalidOptionsError(`failover.back is ${JSON.stringify(back)}; it must be "by-itself" or "by-hand".`);
  return { failuresInARow, errorRate, least, back, backAfterMs, ...(p95Ms !== undefined && { p95Ms }) };
}

function wholeNumber(name: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most)
    throw new InvalidOptionsError(`${name} is ${value}; it must be a whole number from ${least} to ${most}.`);
}
