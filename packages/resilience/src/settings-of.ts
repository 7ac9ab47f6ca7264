import { X509Certificate } from 'node:crypto';
import { InvalidOptionsError, silentLogger, systemClock } from '@waybill/core';
import { refuseOddNumbers } from './odd-numbers.js';
import type { PolicyOptions } from './policy-options.js';
import type { PolicySettings } from './policy-settings.js';
import { presets, type PresetNumbers } from './preset-numbers.js';

const LONGEST_NAME = 200;

/** @throws {@link InvalidOptionsError} they cannot work */
export function settingsOf(options: PolicyOptions): PolicySettings {
  const { name, preset = 'steady', idempotent = false, onUnknownOutcome = idempotent ? 'resend' : 'halt' } = options;
  if (typeof name !== 'string' || name === '') throw new InvalidOptionsError('A policy needs a name: what its target is called.');
  // As its shared limits are called: better now than at the first call.
  if (name.length > LONGEST_NAME)
    throw new InvalidOptionsError(`The name of a policy has ${name.length} characters; it may have up to ${LONGEST_NAME}.`);
  if (name.includes('\0'))
    throw new InvalidOptionsError(`The name of a policy, ${JSON.stringify(name)}, holds a character that is no text.`);
  if (!Object.hasOwn(presets, preset)) {
    throw new InvalidOptionsError(`Policy "${name}": there is no preset "${preset}"; there are ${Object.keys(presets).join(', ')}.`);
  }
  const settings: PolicySettings = {
    ...filledIn(options, presets[preset]),
    name,
    preset,
    rate: options.rate,
    sharedLimits: options.shared === true ? options.database?.limits : undefined,
    idempotent,
    onUnknownOutcome,
    publicOnly: options.publicOnly ?? false,
    lookup: options.lookup,
    ca: typeof options.ca === 'string' ? [options.ca] : (options.ca ?? []),
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random,
    logger: options.logger ?? silentLogger,
  };
  refuseOddNumbers(settings);
  refuseWhatContradicts(settings, options);
  return settings;
}

function filledIn(
  options: PolicyOptions,
  preset: PresetNumbers,
): Pick<PolicySettings, 'limits' | 'pool' | 'retry' | 'concurrency' | 'breaker'> {
  const window = (options.breaker === false ? undefined : options.breaker?.window) ?? preset.breaker.window;
  // A window that is set shorter than what the preset waits for would never open the breaker.
  const least = 'calls' in window ? Math.min(preset.breaker.least, window.calls) : preset.breaker.least;
  return {
    limits: { ...preset.limits, ...options.limits },
    pool: { ...preset.pool, ...options.pool },
    retry: { ...preset.retry, ...options.retry },
    concurrency: options.concurrency ?? preset.concurrency,
    breaker: options.breaker === false ? false : { ...preset.breaker, least, ...options.breaker },
  };
}

function refuseWhatContradicts(settings: PolicySettings, { shared = false, database }: PolicyOptions): void {
  const { name, idempotent, onUnknownOutcome, ca } = settings;
  const refuse = (reason: string): never => {
    throw new InvalidOptionsError(`Policy "${name}": ${reason}`);
  };
  if (!['resend', 'query', 'halt'].includes(onUnknownOutcome)) {
    refuse(`onUnknownOutcome is "${onUnknownOutcome}"; it must be resend, query or halt.`);
  }
  if (onUnknownOutcome === 'resend' && !idempotent) {
    refuse(
      'onUnknownOutcome "resend" needs a target that does the same thing once, however often it is asked: declare `idempotent: true`, or choose "query" or "halt".',
    );
  }
  if (shared && database === undefined) refuse('shared limits need `database`, the one that the processes share.');
  if (shared && settings.concurrency === false && settings.rate === undefined) {
    refuse('there is nothing to share: set `concurrency` or `rate`, or leave `shared` out.');
  }
  for (const certificate of ca) {
    try {
      new X509Certificate(certificate);
    } catch (error) {
      throw new InvalidOptionsError(`Policy "${name}": \`ca\` holds something that is no certificate in PEM.`, { cause: error });
    }
  }
}
