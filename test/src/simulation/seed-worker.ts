import { parentPort, workerData } from 'node:worker_threads';
import { variantWith } from './planted-bugs.js';
import { shrink, storyText } from './shrink.js';
import { play } from './story.js';
import { addTally, emptyTally } from './tally.js';
import type { Tally } from './tally.js';

/** Which seeds a worker plays: every `step`th from `first` on, until it has played `most` of them, or is told to end. */
export interface SeedWork {
  readonly first: number;
  readonly step: number;
  readonly most: number;
  readonly steps: number;
  /** Goes on after `most` until so many milliseconds have passed. */
  readonly atLeastMs: number;
}

/** What it tells in the end: how much it played, and the text of the first story that broke a promise. */
export interface SeedsPlayed {
  readonly tally: Tally;
  readonly failure: string | undefined;
}

const { first, step, most, steps, atLeastMs } = workerData as SeedWork;
const variant = await variantWith(undefined);
const tally = emptyTally();
const startedAt = performance.now();
let failure: string | undefined;
for (let seed = first; failure === undefined && (tally.seeds < most || performance.now() - startedAt < atLeastMs); seed += step) {
  const story = await play(seed, variant, steps);
  addTally(tally, story.tally);
  if (story.broken) failure = storyText(await shrink(story, variant));
}
parentPort!.postMessage({ tally, failure } satisfies SeedsPlayed);
