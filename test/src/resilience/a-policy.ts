import { Policy } from '@waybill/resilience';
import type { PolicyOptions } from '@waybill/resilience';

/** A policy that tries once and does not stop by itself, unless said otherwise. */
export const aPolicy = (overrides: Partial<PolicyOptions> = {}): Policy =>
  new Policy({ name: 'bank', breaker: false, retry: { most: 0 }, ...overrides });

/** Fails as a connection does that is refused: nothing was done. */
export const notReached = (): Promise<never> => Promise.reject(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }));

/** Fails as a connection does that breaks off: nobody knows. */
export const brokenOff = (): Promise<never> => Promise.reject(Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }));
