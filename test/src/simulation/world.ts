import { createHash } from 'node:crypto';
import type { Dispatcher } from '@waybill/core';
import { Application } from './application.js';
import type { Choice } from './choice.js';
import { told as toldChoice } from './choice.js';
import { LaneWatch } from './lane-watch.js';
import type { HeldLane } from './lease-beliefs.js';
import { Ledger } from './ledger.js';
import { Network } from './network.js';
import type { Caller } from './network.js';
import { Operator } from './operator.js';
import { ProcessClock } from './process-clock.js';
import type { TrueTime } from './process-clock.js';
import type { Setup } from './setup.js';
import type { Surroundings } from './surroundings.js';
import { SimulatedProcess } from './simulated-process.js';
import { emptyTally } from './tally.js';
import { Target } from './target.js';
import type { Variant } from './variant.js';
import { windowedDatabase } from './windowed-database.js';
import type { WindowedDatabase } from './windowed-database.js';

/** What an event of a dispatcher may say. */
interface Told {
  readonly route?: string;
  readonly lane?: number;
  readonly stream?: string;
  readonly error?: unknown;
  readonly reason?: string;
  readonly note?: string;
}

/** Dispatchers, their database and their sinks under one clock, where nothing happens by itself. */
export class World implements Surroundings {
  readonly time: TrueTime = { ms: 0 };
  readonly network = new Network();
  readonly processes = new Map<string, SimulatedProcess>();
  readonly targets: ReadonlyMap<string, Target>;
  readonly database: WindowedDatabase;
  readonly ledger: Ledger;
  readonly watch: LaneWatch;
  readonly application: Application;
  readonly operator: Operator;
  readonly core: { readonly Dispatcher: typeof Dispatcher };
  readonly tally = emptyTally();
  readonly #log: string[] = [];

  constructor(
    readonly setup: Setup,
    { core, ...planted }: Variant,
  ) {
    const clock = new ProcessClock(this.time);
    this.core = core;
    this.database = windowedDatabase({ lanes: setup.lanes, clock, ...planted });
    this.ledger = new Ledger(setup);
    this.watch = new LaneWatch(this.database, this.ledger);
    this.application = new Application(this.database, this.ledger, () => clock.now());
    this.operator = new Operator(this.database);
    this.targets = new Map(setup.routes.map(({ name }) => [name, new Target(name, this.ledger)]));
  }

  /** Everything that happened, a line each. */
  get log(): readonly string[] {
    return this.#log;
  }

  /** Two worlds in which the same happened have the same. */
  get fingerprint(): string {
    return createHash('sha256').update(this.#log.join('\n')).digest('hex');
  }

  readonly note = (line: string): void => {
    this.#log.push(`${this.time.ms.toFixed(0).padStart(7)} ${line}`);
  };

  readonly tell = (process: Caller, event: string, told: object): void => {
    if ('takenOver' in told && told.takenOver) this.tally.takeOvers++;
    if (event === 'lease-lost' || event === 'lane-released') this.processes.get(process.name)!.beliefs.end(told as HeldLane);
    if (event === 'halted') this.tally.halts++;
    if (event === 'skipped') this.tally.skipped++;
    const { route, lane, stream, error, reason, note } = told as Told;
    const why = error instanceof Error ? error.message : (reason ?? note);
    const where = [route, lane, stream].filter((part) => part !== undefined).join('/');
    this.note(`  ${process.name} tells: ${event} ${where}${why === undefined ? '' : ` (${why})`}`);
  };

  join(name: string, wallSkewMs = 0): void {
    const process = new SimulatedProcess(name, this, wallSkewMs);
    this.processes.set(name, process);
    process.start();
  }

  /** Processes that are not gone, in the order they came. */
  living(): readonly SimulatedProcess[] {
    return [...this.processes.values()].filter(({ state }) => state !== 'gone');
  }

  running(): readonly SimulatedProcess[] {
    return this.living().filter(({ state }) => state === 'running');
  }

  /** Takes one step, and lets everything happen that happens by itself then. False: the choice makes no sense here, and nothing was done. */
  async perform(choice: Choice): Promise<boolean> {
    this.note(toldChoice(choice));
    if (!this.#act(choice)) {
      this.#log.pop();
      return false;
    }
    await this.turn();
    return true;
  }

  /** In a simulated world nothing waits for anything but promises: when the event loop turns, all of them are settled. */
  turn(): Promise<void> {
    for (const process of this.processes.values()) process.turned();
    return new Promise((resolve) => setImmediate(resolve));
  }

  #act(choice: Choice): boolean {
    switch (choice.act) {
      case 'happen': {
        const pending = this.network.named(choice.label);
        if (!pending) return false;
        if (choice.fate === 'lost' || choice.fate === 'answer-lost') this.tally.lostAnswers++;
        this.network.happen(pending, choice.fate);
        return true;
      }
      case 'tick':
        return this.#tick(choice.process);
      case 'pass':
        this.time.ms += choice.ms;
        return true;
      case 'begin':
        if (choice.streams.some((stream) => this.application.isLocked(stream))) return false;
        this.tally.messages += choice.streams.length * choice.count;
        this.application.begin(choice.transaction, choice.streams, choice.count);
        return true;
      case 'commit':
      case 'roll-back':
        return this.application.end(choice.transaction, choice.act);
      case 'join':
        if (this.processes.has(choice.process)) return false;
        this.join(choice.process);
        return true;
      case 'sink-down':
      case 'sink-up':
        this.tally.outages += choice.act === 'sink-down' ? 1 : 0;
        this.targets.get(choice.route)!.isDown = choice.act === 'sink-down';
        return true;
      case 'poison':
      case 'make-killer':
      case 'cure':
        return this.#mark(choice);
      case 'order':
        this.tally.orders++;
        this.operator.order(choice.kind, choice.route);
        return true;
      default:
        return this.#happensTo(choice);
    }
  }

  #tick(name: string): boolean {
    const process = this.processes.get(name);
    const dueIn = process?.state === 'running' ? process.clock.dueIn() : undefined;
    if (!process || dueIn === undefined) return false;
    this.time.ms += Math.max(0, dueIn);
    process.clock.fire();
    return true;
  }

  #mark({ act, route, message }: Choice & { readonly act: 'poison' | 'make-killer' | 'cure' }): boolean {
    const { poison, killers } = this.targets.get(route)!;
    if (act === 'poison') poison.add(message);
    else if (act === 'make-killer') killers.add(message);
    else return poison.delete(message) || killers.delete(message);
    return true;
  }

  #happensTo(choice: Extract<Choice, { readonly process: string }>): boolean {
    const process = this.processes.get(choice.process);
    if (!process || process.state === 'gone') return false;
    switch (choice.act) {
      case 'crash':
        this.tally.crashes++;
        process.crash();
        return true;
      case 'freeze':
        if (process.state === 'frozen') return false;
        process.freeze(choice.suspended);
        return true;
      case 'thaw':
        if (process.state !== 'frozen') return false;
        if (process.isZombie()) this.tally.zombies++;
        process.thaw();
        return true;
      case 'cut-off':
      case 'reconnect':
        this.tally.cutOffs += choice.act === 'cut-off' ? 1 : 0;
        process.cutOff = choice.act === 'cut-off';
        return true;
      case 'leave':
        if (process.isLeaving || process.state === 'frozen') return false;
        process.leave();
        return true;
      default:
        return false;
    }
  }
}
