import type { Clock, Logger, SharedLimits } from '@waybill/core';
import type { OnUnknownOutcome, PolicyOptions, RateLimit } from './policy-options.js';
import type { PresetNumbers } from './preset-numbers.js';
import type { Preset } from './presets.js';

/** The options of a policy with everything filled in. */
export interface PolicySettings extends Pick<PresetNumbers, 'limits' | 'pool' | 'retry'> {
  readonly name: string;
  readonly preset: Preset;
  readonly concurrency: number | false;
  readonly rate: RateLimit | undefined;
  readonly breaker: PresetNumbers['breaker'] | false;
  readonly sharedLimits: SharedLimits | undefined;
  readonly idempotent: boolean;
  readonly onUnknownOutcome: OnUnknownOutcome;
  readonly publicOnly: boolean;
  readonly lookup: PolicyOptions['lookup'];
  readonly ca: readonly string[];
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
}
