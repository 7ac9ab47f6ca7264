import type { Document } from 'bson';
import { Long } from 'bson';

/** How often each command came in, refused ones included. */
export interface CountedCommands {
  count(name: string): number;
  /** All commands together. */
  readonly total: number;
  byName(): Record<string, number>;
  /** Starts again from nothing. */
  reset(): void;
}

/** Counts commands as they come in. */
export class CommandCounts implements CountedCommands {
  readonly #counts = new Map<string, { total: number; failed: number }>();

  count(name: string): number {
    return this.#counts.get(name)?.total ?? 0;
  }

  get total(): number {
    let sum = 0;
    for (const { total } of this.#counts.values()) sum += total;
    return sum;
  }

  byName(): Record<string, number> {
    return Object.fromEntries([...this.#counts].map(([name, { total }]) => [name, total]));
  }

  reset(): void {
    this.#counts.clear();
  }

  started(name: string): void {
    const counts = this.#counts.get(name);
    if (counts) counts.total += 1;
    else this.#counts.set(name, { total: 1, failed: 0 });
  }

  failed(name: string): void {
    const counts = this.#counts.get(name);
    if (counts) counts.failed += 1;
  }

  /** As `serverStatus` shows them, under `metrics.commands`. */
  asMetrics(): Document {
    const metrics: Document = {};
    for (const [name, { total, failed }] of this.#counts)
      metrics[name] = { failed: Long.fromNumber(failed), total: Long.fromNumber(total) };
    return metrics;
  }
}
