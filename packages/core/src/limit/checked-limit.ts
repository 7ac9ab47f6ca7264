import { validate } from 'uuid';
import { InvalidOptionsError } from '../errors.js';
import type { LimitRequest } from './shared-limits.js';

/** A request with its defaults. */
export interface CheckedLimit {
  readonly name: string;
  readonly permit: string;
  readonly permitMs: number;
  readonly concurrency: number | undefined;
  readonly rate: { readonly limit: number; readonly perMs: number; readonly burst: number } | undefined;
}

const LONGEST_NAME = 200;
const MOST_AT_ONCE = 1_000_000;

/**
 * What every adapter of `SharedLimits` asks of a request, and its defaults.
 *
 * @throws {@link InvalidOptionsError} a request that can never be granted
 */
export function checkedLimit({ name, permit, concurrency, rate, permitMs }: LimitRequest): CheckedLimit {
  if (name === '' || name.length > LONGEST_NAME || name.includes('\0'))
    throw new InvalidOptionsError(`A shared limit is called ${JSON.stringify(name)}; its name has 1 to ${LONGEST_NAME} characters.`);
  const refuse = (what: string): never => {
    throw new InvalidOptionsError(`The shared limit "${name}" ${what}.`);
  };
  if (!validate(permit)) refuse(`was asked with the permit ${JSON.stringify(permit)}; a permit is a UUID`);
  if (concurrency === undefined && rate === undefined) refuse('limits nothing; give it a concurrency, a rate, or both');
  if (concurrency !== undefined && !(Number.isInteger(concurrency) && concurrency >= 1 && concurrency <= MOST_AT_ONCE))
    refuse(`has a concurrency of ${concurrency}; it must be a whole number from 1 to 1,000,000`);
  if (!isPositive(permitMs)) refuse(`has permits for ${permitMs} ms; permitMs must be above 0`);
  if (rate && !(isPositive(rate.limit) && isPositive(rate.perMs)))
    refuse(`has a rate of ${rate.limit} each ${rate.perMs} ms; both must be above 0`);
  // A bucket of less than one token never holds one.
  const burst = rate && (rate.burst ?? Math.max(1, rate.limit));
  if (burst !== undefined && !(Number.isFinite(burst) && burst >= 1)) refuse(`has a burst of ${burst}; it must be 1 or more`);
  return { name, permit: permit.toLowerCase(), permitMs, concurrency, rate: rate && { ...rate, burst: burst! } };
}

const isPositive = (value: number): boolean => Number.isFinite(value) && value > 0;
