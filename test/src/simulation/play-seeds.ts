import { Worker } from 'node:worker_threads';
import type { SeedsPlayed, SeedWork } from './seed-worker.js';
import { MOST_STEPS } from './story.js';
import { addTally, emptyTally } from './tally.js';
import type { Tally } from './tally.js';

export interface SeedsOptions {
  /** First seed. Default 1. */
  readonly first?: number;
  /** How many seeds, at least. */
  readonly seeds: number;
  /** Goes on with further seeds until so many milliseconds have passed. Default 0. */
  readonly atLeastMs?: number;
  /** Most steps of a seed. Default 300. */
  readonly steps?: number;
  /** How many seeds are played at a time, each in a thread of its own. Default 2. */
  readonly threads?: number;
}

/** Plays seed after seed, until one breaks a promise. */
export async function playSeeds({ first = 1, seeds, atLeastMs = 0, steps = MOST_STEPS, threads = 2 }: SeedsOptions): Promise<{
  readonly tally: Tally;
  /** Stories that broke a promise, shrunk. */
  readonly failures: readonly string[];
}> {
  const played = await Promise.all(
    Array.from({ length: Math.min(threads, seeds) }, (_, nth) => {
      const most = Math.ceil((seeds - nth) / threads);
      return work({ first: first + nth, step: threads, most, steps, atLeastMs });
    }),
  );
  const tally = emptyTally();
  for (const one of played) addTally(tally, one.tally);
  return { tally, failures: played.flatMap(({ failure }) => failure ?? []) };
}

function work(seedWork: SeedWork): Promise<SeedsPlayed> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./seed-worker.js', import.meta.url), { workerData: seedWork });
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`A thread of the simulation ended with code ${code} and without an answer.`)));
  });
}
