import { quantile } from '../statistics.js';

const WRITERS = 4;

export interface Written {
  readonly perSecond: number;
  readonly p99Ms: number;
  readonly longestMs: number;
}

/** Commits one after the other, by a few writers, as long as the work goes on. */
export async function writeBeside<Result>(
  commit: () => Promise<void>,
  work: () => Promise<Result>,
): Promise<Written & { readonly result: Result }> {
  const times: number[] = [];
  const over = new AbortController();
  const writer = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const startedAt = performance.now();
      await commit();
      times.push(performance.now() - startedAt);
    }
  };
  const startedAt = performance.now();
  const writing = Promise.all(Array.from({ length: WRITERS }, writer));
  const result = await work();
  const seconds = (performance.now() - startedAt) / 1_000;
  over.abort();
  await writing;
  return { result, perSecond: times.length / seconds, p99Ms: quantile(times, 0.99), longestMs: times.reduce((a, b) => Math.max(a, b), 0) };
}
