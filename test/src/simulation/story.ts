import type { BrokenPromise } from './broken-promise.js';
import type { Choice } from './choice.js';
import { bringToRest } from './rest.js';
import { Scheduler } from './scheduler.js';
import { setupOf } from './setup.js';
import type { Setup } from './setup.js';
import type { Tally } from './tally.js';
import type { Variant } from './variant.js';
import { World } from './world.js';

/** What became of a simulated world. */
export interface Story {
  readonly setup: Setup;
  /** What was chosen, step by step; the end of the story follows from it. */
  readonly choices: readonly Choice[];
  readonly broken: BrokenPromise | undefined;
  readonly tally: Tally;
  readonly log: readonly string[];
  readonly fingerprint: string;
}

/** Most steps of a seed, before the faults stop. */
export const MOST_STEPS = 300;

/** Plays a seed. */
export async function play(seed: number, variant: Variant, steps = MOST_STEPS): Promise<Story> {
  const world = await begun(setupOf(seed), variant);
  const scheduler = new Scheduler(world);
  const choices: Choice[] = [];
  while (choices.length < steps && !world.ledger.broken) {
    const choice = scheduler.next();
    choices.push(choice);
    await world.perform(choice);
  }
  return ended(world, choices);
}

/** Plays these choices, but for those that make no sense any more. */
export async function replay(setup: Setup, choices: readonly Choice[], variant: Variant): Promise<Story> {
  const world = await begun(setup, variant);
  const performed: Choice[] = [];
  for (const choice of choices) {
    if (await world.perform(choice)) performed.push(choice);
    if (world.ledger.broken) break;
  }
  return ended(world, performed);
}

/** A world whose first processes have started. */
async function begun(setup: Setup, variant: Variant): Promise<World> {
  const world = new World(setup, variant);
  for (const [nth, wallSkewMs] of setup.wallSkewsMs.entries()) world.join(`p${nth + 1}`, wallSkewMs);
  await world.turn();
  for (let [pending] = world.network.possible(); pending && world.time.ms === 0; [pending] = world.network.possible())
    await world.perform({ act: 'happen', label: pending.label, fate: 'well' });
  return world;
}

async function ended(world: World, choices: readonly Choice[]): Promise<Story> {
  const { ledger, watch, tally, setup } = world;
  if (!ledger.broken) await bringToRest(world);
  const counted = { seeds: 1, steps: choices.length, duplicates: ledger.duplicates, parkedStreams: watch.parked.size };
  return {
    ...{ setup, choices, broken: ledger.broken, log: world.log, fingerprint: world.fingerprint },
    tally: { ...tally, ...counted, staleWrites: watch.staleWrites },
  };
}
