import type { Clock } from '../clock.js';
import { checkedLimit } from '../limit/checked-limit.js';
import type { CheckedLimit } from '../limit/checked-limit.js';
import type { LimitAnswer, LimitRequest, SharedLimits } from '../limit/shared-limits.js';

interface Limit {
  /** When each permit in use runs out, in milliseconds of the clock. */
  readonly permits: Map<string, number>;
  bucket: { readonly tokens: number; readonly filledAt: number } | undefined;
}

export class InMemoryLimits implements SharedLimits {
  readonly #limits = new Map<string, Limit>();

  constructor(private readonly clock: Clock) {}

  acquire(request: LimitRequest): Promise<LimitAnswer> {
    return new Promise((resolve) => resolve(this.#ask(checkedLimit(request))));
  }

  release(name: string, permit: string): Promise<void> {
    this.#limits.get(name)?.permits.delete(permit.toLowerCase());
    return Promise.resolve();
  }

  #ask({ name, permit, permitMs, concurrency, rate }: CheckedLimit): LimitAnswer {
    const now = this.clock.now().getTime();
    const limit = this.#limitOf(name);
    const { permits } = limit;
    for (const [id, until] of permits) if (until <= now) permits.delete(id);
    if (!permits.has(permit)) {
      if (concurrency !== undefined && permits.size >= concurrency)
        return { granted: false, by: 'concurrency', waitMs: Math.min(...permits.values()) - now };
      if (rate) {
        const tokens = refilled(limit.bucket, rate, now);
        const taken = tokens >= 1;
        limit.bucket = { tokens: taken ? tokens - 1 : tokens, filledAt: now };
        if (!taken) return { granted: false, by: 'rate', waitMs: Math.ceil(((1 - tokens) * rate.perMs) / rate.limit) };
      }
    }
    if (concurrency !== undefined) permits.set(permit, now + permitMs);
    return { granted: true };
  }

  #limitOf(name: string): Limit {
    const limit = this.#limits.get(name) ?? { permits: new Map(), bucket: undefined };
    this.#limits.set(name, limit);
    return limit;
  }
}

/** A clock that has gone back fills nothing, and the time counts from there. */
function refilled(bucket: Limit['bucket'], { limit, perMs, burst }: NonNullable<CheckedLimit['rate']>, now: number): number {
  if (!bucket) return burst;
  const passedMs = Math.max(0, now - bucket.filledAt);
  return Math.min(burst, bucket.tokens + (passedMs * limit) / perMs);
}
