import { SeededRandom } from './seeded-random.js';

export type FailurePolicy = 'halt' | 'halt-stream' | 'park-stream' | 'discard';

const POLICIES: readonly FailurePolicy[] = ['halt', 'halt-stream', 'park-stream', 'discard'];

export interface RouteSetup {
  readonly name: string;
  readonly order: 'stream' | 'global';
  readonly onFailure: FailurePolicy;
  /** Takes streams with this prefix only. */
  readonly prefix: string | undefined;
  readonly needsWholeStreams: boolean;
  /** Its target must not get anything twice, and cannot be asked. */
  readonly onlyOnce: boolean;
}

/** What can go wrong in a world; a seed has some of it only, so that each gets its turn. */
export type Trouble =
  'late-commits' | 'crashes' | 'freezes' | 'cuts' | 'outages' | 'lost-answers' | 'poison' | 'killers' | 'comings-and-goings';

/** Everything about a simulated world that stays as it is while its story is shrunk. */
export interface Setup {
  readonly seed: number;
  readonly lanes: number;
  readonly streams: readonly string[];
  readonly routes: readonly RouteSetup[];
  /** How far the wall clock of each of the first processes is off. */
  readonly wallSkewsMs: readonly number[];
  readonly leaseMs: number;
  readonly pollMs: number;
  readonly attempts: number;
  readonly batchSize: number;
  /** Every call to the database is an event of its own; otherwise only those that lanes and leases hang on. */
  readonly everyCallWaits: boolean;
  /** Processes may be stopped between two effects. */
  readonly pausesAtMoments: boolean;
  /** Sinks give up when their lane's lease is lost; otherwise they send to the end. */
  readonly sinksHeedAborts: boolean;
  readonly troubles: ReadonlySet<Trouble>;
}

const HOUR_MS = 3_600_000;
const ALL_TROUBLES: readonly Trouble[] = [
  ...(['late-commits', 'crashes', 'freezes', 'cuts', 'outages', 'lost-answers', 'poison', 'killers', 'comings-and-goings'] as const),
];
/** Longest pause between two tries. */
export const MAX_BACKOFF_MS = 1_000;

export function setupOf(seed: number): Setup {
  const random = new SeededRandom(seed, 1);
  const streams = Array.from({ length: random.between(2, 5) }, (_, nth) => `${nth % 2 === 0 ? 'order' : 'note'}-${nth}`);
  const troubles = ALL_TROUBLES.filter((trouble) => random.chance(trouble === 'late-commits' ? 0.7 : 0.45));
  return {
    seed,
    lanes: random.between(1, 3),
    streams,
    routes: routesOf(random, new SeededRandom(seed, 5)),
    wallSkewsMs: Array.from({ length: random.between(1, 3) }, () => (random.chance(0.2) ? random.pick([-HOUR_MS, HOUR_MS]) : 0)),
    leaseMs: 3_000,
    pollMs: 1_000,
    attempts: random.between(1, 3),
    batchSize: random.between(1, 4),
    everyCallWaits: random.chance(0.2),
    pausesAtMoments: random.chance(0.25),
    sinksHeedAborts: random.chance(0.5),
    troubles: new Set(troubles),
  };
}

/** @param others - draws what was thought of later, so that each seed's world stays otherwise as it was */
function routesOf(random: SeededRandom, others: SeededRandom): readonly RouteSetup[] {
  const route = (name: string, prefix: string | undefined): RouteSetup => {
    const order = random.chance(0.2) ? 'global' : 'stream';
    const onFailure = order === 'global' ? 'halt' : random.pick(POLICIES);
    const needsWholeStreams = onFailure !== 'discard' && random.chance(0.3);
    const onlyOnce = others.chance(0.3) && !needsWholeStreams;
    return { name, order, onFailure, prefix, needsWholeStreams, onlyOnce };
  };
  const first = route('mail', undefined);
  return random.chance(0.3) ? [first, route('audit', 'note-')] : [first];
}
