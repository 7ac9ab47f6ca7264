import type { Choice } from './choice.js';
import type { Fate, Pending } from './network.js';
import { SeededRandom } from './seeded-random.js';
import type { Trouble } from './setup.js';
import type { SimulatedProcess } from './simulated-process.js';
import type { World } from './world.js';

const MOST_OPEN = 3;
const MOST_PROCESSES = 4;
const MOST_MESSAGES = 40;

/** Decides, by the seed, what happens next in a world. */
export class Scheduler {
  readonly #random: SeededRandom;
  #transactions = 0;
  #processes: number;

  constructor(private readonly world: World) {
    this.#random = new SeededRandom(world.setup.seed, 2);
    this.#processes = world.setup.wallSkewsMs.length;
  }

  next(): Choice {
    for (;;) {
      const choice = this.#random.chance(0.78) ? this.#ordinary() : this.#random.chance(0.5) ? this.#commit() : this.#trouble();
      if (choice) return choice;
    }
  }

  /** Something that is on its way arrives, or a timer fires. */
  #ordinary(): Choice | undefined {
    const random = this.#random;
    const possible = this.world.network.possible();
    if (possible.length > 0 && random.chance(0.85)) {
      const pending = random.chance(0.5) ? possible[0]! : random.pick(possible);
      return { act: 'happen', label: pending.label, fate: this.#fateOf(pending) };
    }
    const waiting = this.world.running().filter(({ clock }) => clock.dueIn() !== undefined);
    if (waiting.length === 0) return possible.length === 0 ? { act: 'pass', ms: 100 } : undefined;
    const { name } = random.chance(0.8) ? waiting.reduce(earlier) : random.pick(waiting);
    return { act: 'tick', process: name };
  }

  #fateOf({ kind }: Pending): Fate {
    if (kind === 'answer' || kind === 'moment') return 'well';
    if (kind === 'hint') return this.#random.chance(0.1) ? 'lost' : 'well';
    const bad = this.#has('lost-answers') ? 2 : 0;
    const common = { well: 80, 'answer-later': 10, lost: bad * 2, 'answer-lost': bad * 3 };
    return this.#random.weighted<Fate>(kind === 'sink' ? { ...common, half: bad * 2, beyond: 8 } : { ...common, half: 0, beyond: 0 });
  }

  #commit(): Choice | undefined {
    const { application, setup, tally } = this.world;
    const random = this.#random;
    const open = application.open();
    const late = this.#has('late-commits');
    if (open.length > 0 && random.chance(late ? 0.4 : 0.9))
      return { act: random.chance(0.85) ? 'commit' : 'roll-back', transaction: random.pick(open) };
    if (open.length >= (late ? MOST_OPEN : 1) || tally.messages >= MOST_MESSAGES) return undefined;
    const free = setup.streams.filter((stream) => !application.isLocked(stream));
    if (free.length === 0) return undefined;
    const streams = [...new Set([random.pick(free), random.pick(free)])].slice(0, random.between(1, 2));
    return { act: 'begin', transaction: `t${++this.#transactions}`, streams, count: random.between(1, 2) };
  }

  #trouble(): Choice | undefined {
    const { world } = this;
    const random = this.#random;
    const kind = random.pick([...world.setup.troubles, 'time', 'order'] as const);
    const process = random.pick(world.living()) as SimulatedProcess | undefined;
    const route = random.pick(world.setup.routes).name;
    switch (kind) {
      case 'time':
        return {
          act: 'pass',
          ms: random.weighted({ 10: 4, 1000: 3, 4000: 1 }) === '10' ? random.between(1, 50) : random.between(500, 4_000),
        };
      case 'order':
        return { act: 'order', kind: random.pick(['resume', 'redrive', 'resume', 'redrive', 'skip']), route };
      case 'crashes':
        return process && random.chance(0.4) ? { act: 'crash', process: process.name } : this.#newcomer();
      case 'freezes':
        return process && this.#freezeOrThaw(process);
      case 'cuts':
        return process && { act: process.cutOff ? 'reconnect' : 'cut-off', process: process.name };
      case 'outages':
        return { act: world.targets.get(route)!.isDown ? 'sink-up' : 'sink-down', route };
      case 'poison':
      case 'killers':
        return this.#poison(route, kind === 'poison' ? 'poison' : 'make-killer');
      case 'comings-and-goings':
        return process && random.chance(0.5) && process.state === 'running' ? { act: 'leave', process: process.name } : this.#newcomer();
      default:
        return undefined;
    }
  }

  #freezeOrThaw({ name, state }: SimulatedProcess): Choice {
    if (state === 'frozen') return { act: 'thaw', process: name };
    return { act: 'freeze', process: name, suspended: this.#random.chance(0.5) };
  }

  #newcomer(): Choice | undefined {
    if (this.world.living().length >= MOST_PROCESSES) return undefined;
    return { act: 'join', process: `p${++this.#processes}` };
  }

  #poison(route: string, act: 'poison' | 'make-killer'): Choice | undefined {
    const { poison, killers } = this.world.targets.get(route)!;
    const bad = [...poison, ...killers];
    if (bad.length > 0 && this.#random.chance(0.5)) return { act: 'cure', route, message: this.#random.pick(bad) };
    const missing = this.world.ledger.missing({ name: route });
    return missing.length > 0 && bad.length < 3 ? { act, route, message: this.#random.pick(missing).id } : undefined;
  }

  #has(trouble: Trouble): boolean {
    return this.world.setup.troubles.has(trouble);
  }
}

const earlier = (one: SimulatedProcess, other: SimulatedProcess): SimulatedProcess =>
  other.clock.dueIn()! < one.clock.dueIn()! ? other : one;
