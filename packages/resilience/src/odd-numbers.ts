import { InvalidOptionsError } from '@waybill/core';
import type { PolicySettings } from './policy-settings.js';

// What a timer of Node takes.
const LONGEST_MS = 2 ** 31 - 1;

/** @throws {@link InvalidOptionsError} a number of them cannot work; tells which, and what it may be */
export function refuseOddNumbers(settings: PolicySettings): void {
  const { name, limits, pool, concurrency, rate, breaker, retry } = settings;
  const whole = (option: string, value: unknown, least: number, most: number): void => {
    if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most) return;
    throw new InvalidOptionsError(`Policy "${name}": ${option} is ${String(value)}; it must be a whole number from ${least} to ${most}.`);
  };

  for (const [limit, ms] of Object.entries(limits)) whole(`limits.${limit}`, ms, 1, LONGEST_MS);
  whole('pool.connections', pool.connections, 1, 10_000);
  whole('pool.idleMs', pool.idleMs, 0, LONGEST_MS);
  whole('pool.lifeMs', pool.lifeMs, 1, LONGEST_MS);
  if (concurrency !== false) whole('concurrency', concurrency, 1, 1_000_000);
  if (rate !== undefined) {
    whole('rate.limit', rate.limit, 1, 1_000_000_000);
    whole('rate.perMs', rate.perMs, 1, LONGEST_MS);
    if (rate.burst !== undefined) whole('rate.burst', rate.burst, 1, 1_000_000_000);
  }
  whole('retry.most', retry.most, 0, 100);
  whole('retry.firstMs', retry.firstMs, 1, LONGEST_MS);
  whole('retry.maxMs', retry.maxMs, retry.firstMs, LONGEST_MS);
  if (breaker === false) return;

  const { window, threshold, least, openMs, probes } = breaker;
  if ('calls' in window) whole('breaker.window.calls', window.calls, 1, 100_000);
  else whole('breaker.window.ms', window.ms, 100, 3_600_000);
  if (!(threshold > 0 && threshold < 1)) {
    throw new InvalidOptionsError(
      `Policy "${name}": breaker.threshold is ${threshold}; it must lie between 0 and 1, e.g. 0.5 for half of the calls.`,
    );
  }
  whole('breaker.least', least, 1, 'calls' in window ? window.calls : 100_000);
  whole('breaker.openMs', openMs, 1, LONGEST_MS);
  whole('breaker.probes', probes, 1, 1_000);
}
