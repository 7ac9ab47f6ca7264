import { randomUUID } from 'node:crypto';
import { type Clock, delay, isWaybillError, type LimitRequest, type Logger, type SharedLimits } from '@waybill/core';
import type { RateLimit } from '../policy-options.js';
import { type TimeLimit, unlessAborted } from '../time-limit.js';
import type { Places } from './places.js';

export interface SharedPlacesOptions {
  readonly name: string;
  readonly limits: SharedLimits;
  readonly concurrency: number | false;
  readonly rate: RateLimit | undefined;
  /** After so long a permit is free again, whatever became of its holder. */
  readonly permitMs: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
}

// A permit in use may be given back long before it runs out; nobody tells us.
const LOOK_AGAIN_MS = 100;

/** The limits were not to be had: their database is away. */
export class LimitsUnavailableError extends Error {}

/** The limits of all processes on one database. Waits by asking again. */
export class SharedPlaces implements Places {
  constructor(private readonly options: SharedPlacesOptions) {}

  tryAcquire(): undefined {
    return undefined;
  }

  async acquire({ signal }: TimeLimit): Promise<() => void> {
    const { clock, random, name, concurrency, rate, permitMs } = this.options;
    const request: LimitRequest = {
      name,
      permit: randomUUID(),
      permitMs,
      ...(concurrency === false ? {} : { concurrency }),
      ...(rate === undefined ? {} : { rate }),
    };
    for (;;) {
      signal.throwIfAborted();
      const answer = await this.ask(request, signal);
      if (answer.granted) return () => this.release(request.permit);
      const waitMs = answer.by === 'rate' ? answer.waitMs : Math.min(answer.waitMs, LOOK_AGAIN_MS * (0.5 + random()));
      await delay(clock, Math.max(1, waitMs), signal);
    }
  }

  private async ask(request: LimitRequest, signal: AbortSignal): ReturnType<SharedLimits['acquire']> {
    const asked = this.options.limits.acquire(request);
    try {
      return await unlessAborted(asked, signal);
    } catch (error) {
      // It may be granted yet; nobody would give it back before it runs out.
      asked.then(
        ({ granted }) => granted && this.release(request.permit),
        () => this.release(request.permit),
      );
      // What can never be granted is no outage.
      if (signal.aborted || isWaybillError(error, 'INVALID_OPTIONS')) throw error;
      throw new LimitsUnavailableError('the database with its shared limits is away', { cause: error });
    }
  }

  private release(permit: string): void {
    const { limits, name, logger } = this.options;
    limits
      .release(name, permit)
      .catch((error: unknown) => logger.debug({ policy: name, error }, 'a permit was not given back; it runs out'));
  }
}
