import type { LookupFunction } from 'node:net';
import type { Clock, Logger, SharedLimits } from '@waybill/core';
import type { Preset } from './presets.js';

/** Longest times, in milliseconds. What a preset says unless set here. */
export interface TimeLimits {
  /** Until the call has its place: a permit of the concurrency limit, a token, a free connection. */
  readonly acquireMs?: number;
  /** Until a connection is made, TLS included. */
  readonly connectMs?: number;
  /** Longest time without progress while the request is written. */
  readonly writeMs?: number;
  /** From the request written to the answer's status and headers. */
  readonly firstByteMs?: number;
  /** Longest silence while the answer's body arrives. */
  readonly bodyMs?: number;
  /** One try as a whole, from having its place to the end of the answer. */
  readonly callMs?: number;
}

export interface PoolOptions {
  /** Most connections to one origin. */
  readonly connections?: number;
  /** How long an idle connection is kept, in milliseconds; 0: each request has a connection of its own. */
  readonly idleMs?: number;
  /** How long a connection is used at most, in milliseconds. */
  readonly lifeMs?: number;
}

/** A token bucket: `limit` calls each `perMs` milliseconds on the long run, and `burst` (default `limit`) at once after a pause. */
export interface RateLimit {
  readonly limit: number;
  readonly perMs: number;
  readonly burst?: number;
}

/**
 * Opens when of the calls in the window, at least `least` of them, more than this share failed by the target's fault: it was not reached,
 * it said that it is not available, or its answer was lost. An answer that refuses is no fault.
 */
export interface BreakerOptions {
  /** The last so many calls, or the calls of the last so many milliseconds. */
  readonly window?: { readonly calls: number } | { readonly ms: number };
  /** 0 to 1, both exclusive. */
  readonly threshold?: number;
  /** Calls in the window before it may open. */
  readonly least?: number;
  /** How long nothing is sent once it is open, in milliseconds; then probes are. */
  readonly openMs?: number;
  /** Probes, one at a time, that have to succeed in a row before it closes. */
  readonly probes?: number;
}

/** Tries within one call, apart from the lane's own backoff. */
export interface InCallRetry {
  /** Tries after the first. Default 2; 0 for `payment`. */
  readonly most?: number;
  /** First wait, in milliseconds. Default 100. */
  readonly firstMs?: number;
  /** Longest wait, in milliseconds. Default 2,000. */
  readonly maxMs?: number;
}

/**
 * What to do when nobody knows whether the target did it.
 *
 * - `resend`: send again. Only for a target that is declared `idempotent`.
 * - `query`: ask the target by the idempotency key, and never send before it has answered.
 * - `halt`: leave it to a person.
 */
export type OnUnknownOutcome = 'resend' | 'query' | 'halt';

export interface PolicyOptions {
  /** What the target is called in errors, statistics and shared limits: 1 to 200 characters. */
  readonly name: string;
  /** Default `steady`. */
  readonly preset?: Preset;
  readonly limits?: TimeLimits;
  readonly pool?: PoolOptions;
  /** Most calls at once; false: no limit. */
  readonly concurrency?: number | false;
  /** Default none. */
  readonly rate?: RateLimit;
  readonly breaker?: BreakerOptions | false;
  readonly retry?: InCallRetry;
  /**
   * Concurrency and rate hold for all processes on this database together. Needs `database`. Default false: for this process. While the
   * database is away, nothing is sent: calls fail with `TARGET_UNAVAILABLE`.
   */
  readonly shared?: boolean;
  readonly database?: { readonly limits: SharedLimits };
  /** The target does what it is asked under one idempotency key once, however often it is asked. Default false. */
  readonly idempotent?: boolean;
  /** Default `resend` for an idempotent target, `halt` for another. */
  readonly onUnknownOutcome?: OnUnknownOutcome;
  /** Only addresses of the public internet are connected to, and each is looked at when it is connected to. For targets that users name. Default false. */
  readonly publicOnly?: boolean;
  /** How names become addresses. Default `dns.lookup` of Node, which asks the operating system. */
  readonly lookup?: LookupFunction;
  /** Certificates that are trusted beside the machine's own, as PEM. */
  readonly ca?: string | readonly string[];
  readonly clock?: Clock;
  /** 0 (inclusive) to 1 (exclusive), for jitter. */
  readonly random?: () => number;
  readonly logger?: Logger;
}
