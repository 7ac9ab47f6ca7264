import type { Clock, Intake, Logger } from '@waybill/core';
import { InvalidOptionsError, silentLogger, systemClock } from '@waybill/core';
import type { RateLimit } from '@waybill/resilience';
import type { Webhook } from 'standardwebhooks';
import type { ContentMode } from '../wire/content-mode.js';
import { webhooksOf } from '../wire/signing-secrets.js';

export interface HttpReceiverOptions {
  /** What messages are handed to: handled now, or stored and handled later. */
  readonly intake: Intake;
  /**
   * Standard Webhooks secrets, base64 with or without `whsec_`. Any of them will do, so that a sender can change its own without a gap. Who knows
   * one can send in the name of every source: give senders that do not trust each other a receiver each.
   */
  readonly secrets?: string | readonly string[];
  /** Takes what anybody sends, in place of `secrets`: only where something else, e.g. mutual TLS, keeps strangers out. */
  readonly unsigned?: true;
  /** The CloudEvents `source`s that are taken. Default: any. */
  readonly sources?: readonly string[];
  /**
   * How messages may be laid out. Default `['structured', 'batch']`: what is signed covers every attribute. With `binary` a signature covers
   * payload and id alone, and whoever catches a request can change type, stream, revision and source: name the `sources`, for the same message of
   * another source is another message.
   */
  readonly modes?: readonly ContentMode[];
  /** How long ago, or how far in the future, a request may have been signed, in milliseconds. Default 300,000 (five minutes). */
  readonly maxAgeMs?: number;
  /** Longest body. Default 1 MiB. */
  readonly maxBodyBytes?: number;
  /** Most messages in one batch. Default 1,000. */
  readonly maxBatch?: number;
  /** What is beyond them is answered with 429, and its body is not read. Of this receiver in this process. */
  readonly limits?: ReceiverLimits;
  /** Longest time for the body to arrive, in milliseconds. Default 10,000. */
  readonly bodyWithinMs?: number;
  /** Longest time until the answer, in milliseconds: then 503, and the sender comes again. What was being done is told to stop. Default 30,000. */
  readonly answerWithinMs?: number;
  readonly logger?: Logger;
  readonly clock?: Clock;
}

export interface ReceiverLimits {
  /** Most requests at work at once. Default 100; false: no limit. */
  readonly concurrency?: number | false;
  /** Default none. */
  readonly rate?: RateLimit;
}

/** Options with their defaults. */
export interface Settings extends Required<
  Pick<HttpReceiverOptions, 'modes' | 'maxAgeMs' | 'maxBodyBytes' | 'maxBatch' | 'bodyWithinMs' | 'answerWithinMs' | 'logger' | 'clock'>
> {
  readonly intake: Intake;
  /** `undefined`: unsigned. */
  readonly webhooks: readonly Webhook[] | undefined;
  readonly sources: ReadonlySet<string> | undefined;
  readonly concurrency: number | false;
  readonly rate: RateLimit | undefined;
}

const MODES: readonly ContentMode[] = ['structured', 'binary', 'batch'];

/** @throws {@link InvalidOptionsError} */
export function settingsOf(options: HttpReceiverOptions): Settings {
  const { intake, modes = ['structured', 'batch'], limits = {}, logger = silentLogger, clock = systemClock } = options;
  const { maxAgeMs = 300_000, maxBodyBytes = 1_048_576, maxBatch = 1_000, bodyWithinMs = 10_000, answerWithinMs = 30_000 } = options;
  const { concurrency = 100, rate } = limits;
  if (typeof intake?.take !== 'function')
    throw new InvalidOptionsError('A receiver needs an `intake` to hand messages to: new InboxHandlers(...) or new ArrivalLog(...).');
  for (const [name, value] of Object.entries({ maxAgeMs, maxBodyBytes, maxBatch, bodyWithinMs, answerWithinMs })) requireCount(name, value);
  if (concurrency !== false) requireCount('limits.concurrency', concurrency);
  const { limit, perMs, burst = limit } = rate ?? { limit: 1, perMs: 1 };
  for (const [name, value] of Object.entries({ limit, perMs, burst })) requireCount(`limits.rate.${name}`, value);
  if (modes.length === 0 || !modes.every((mode) => MODES.includes(mode)))
    throw new InvalidOptionsError(`modes must name one or more of ${MODES.join(', ')}.`);
  if (options.sources?.length === 0)
    throw new InvalidOptionsError(
      'sources is empty, so that nothing would be taken. Name the sources, or leave the option out to take any.',
    );
  return {
    intake,
    webhooks: webhooks(options),
    sources: options.sources && new Set(options.sources),
    ...{ concurrency, modes, maxAgeMs, maxBodyBytes, maxBatch, bodyWithinMs, answerWithinMs, rate, logger, clock },
  };
}

function webhooks({ secrets = [], unsigned }: HttpReceiverOptions): readonly Webhook[] | undefined {
  const found = webhooksOf(secrets);
  if (unsigned === true && found.length > 0)
    throw new InvalidOptionsError('A receiver has `secrets` and is `unsigned`; which of the two? Leave one out.');
  if (unsigned === true) return undefined;
  if (found.length === 0)
    throw new InvalidOptionsError(
      'A receiver without `secrets` would take what anybody sends. Give it the secrets of its senders, or say { unsigned: true } where something else keeps strangers out.',
    );
  return found;
}

function requireCount(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidOptionsError(`${name} of a receiver is ${value}; it must be a whole number above 0.`);
}
