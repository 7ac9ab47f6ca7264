import { v4 as newUuid } from 'uuid';
import { systemClock } from '../clock.js';
import type { Clock } from '../clock.js';
import type { Database } from '../database.js';
import { InvalidOptionsError } from '../errors.js';
import { ownHandlers } from '../handler/handler-declaration.js';
import type { HandlerKind, HasOwnHandlers, OwnHandlers } from '../handler/handler-declaration.js';
import { silentLogger } from '../logger.js';
import type { Logger } from '../logger.js';
import type { UnitOfWork } from '../unit-of-work/unit-of-work.js';
import { ProcessClockwork } from './process-clockwork.js';
import type { ProcessDefinition } from './process-definition.js';
import type { ProcessEvent, ProcessEvents } from './process-events.js';
import { processHandler } from './process-handlers.js';
import { ProcessListeners } from './process-listeners.js';
import type { ProcessManager } from './process-manager.js';
import { ProcessRemovals } from './process-removals.js';
import { settleByHand } from './settle-by-hand.js';
import type { SettleOptions, StepPlace } from './settle-by-hand.js';
import type { ProcessLine, ProcessQuery } from './process-store.js';

export interface ProcessManagersOptions<Tx> {
  readonly database: Pick<Database<Tx>, 'processes' | 'cases'>;
  /** What processes send and their handlers do commits through it; its catalogue knows their commands. */
  readonly unitOfWork: UnitOfWork<NoInfer<Tx>>;
  readonly processes: readonly ProcessManager<NoInfer<Tx>>[];
  /** How often to look for time-outs that are due, in milliseconds. Default 1,000. */
  readonly pollMs?: number;
  /** How long a status query may take, in milliseconds. Default 10,000. */
  readonly statusTimeoutMs?: number;
  /** Most time-outs at once, and most status queries beside them. Default 8. */
  readonly concurrency?: number;
  /**
   * How long a process that is over is kept, in milliseconds. Default 7,776,000,000: 90 days; Infinity keeps all. A message that comes later
   * finds no process: what was done late is then not taken back.
   */
  readonly keepMs?: number;
  readonly logger?: Logger;
  readonly clock?: Clock;
  /** 0 (inclusive) to 1 (exclusive), for jitter. */
  readonly random?: () => number;
  /** Makes ids of time-outs, which must be UUIDs. Default: random ones. */
  readonly newId?: () => string;
}

/**
 * Processes that wait, in this process of the operating system: hands them their messages, fires their time-outs, asks what came of their steps.
 *
 * Pass it among the `handlers` of a HandlerSink, InboxHandlers or a Consumer: each kind of process is one handler, under its name, behind
 * the inbox. Messages are handled also where it is not started; time-outs need it started somewhere. Any number of processes of the
 * operating system may run it side by side: each time-out fires once.
 */
export class ProcessManagers<Tx = unknown> implements HasOwnHandlers<Tx> {
  readonly #options: ProcessManagersOptions<Tx>;
  readonly #definitions: ReadonlyMap<string, ProcessDefinition>;
  readonly #listeners: ProcessListeners;
  readonly #clockwork: ProcessClockwork<Tx>;
  readonly #removals: ProcessRemovals;
  #running: { readonly stopping: AbortController; readonly ended: Promise<unknown> } | undefined;
  #starting: Promise<void> | undefined;

  /** @throws {@link InvalidOptionsError} two processes of one name, one that nothing begins, or numbers that cannot work */
  constructor(options: ProcessManagersOptions<Tx>) {
    const { database, unitOfWork, processes, pollMs = 1_000, statusTimeoutMs = 10_000, concurrency = 8, keepMs = NINETY_DAYS_MS } = options;
    const { clock = systemClock, random = Math.random, newId = newUuid, logger = silentLogger } = options;
    refuseNumbers({ pollMs, statusTimeoutMs, concurrency, keepMs });
    this.#options = options;
    this.#definitions = definitionsOf(processes);
    this.#listeners = new ProcessListeners(logger);
    const tell = (event: ProcessEvent): void => this.#listeners.tell(event);
    const definitions = this.#definitions;
    this.#clockwork = new ProcessClockwork({
      ...{ database, unitOfWork, definitions, pollMs, statusTimeoutMs, concurrency, clock, random, newId, logger, tell },
    });
    this.#removals = new ProcessRemovals({ store: database.processes, names: [...definitions.keys()], keepMs, clock, random, tell });
  }

  /** Begins to fire time-outs and to ask. Idempotent. Tells `unhandled` of processes that nobody here handles. */
  start(): Promise<void> {
    this.#starting ??= this.#start().catch((error: unknown) => {
      this.#starting = undefined;
      throw error;
    });
    return this.#starting;
  }

  /** Ends what is under way: transactions are finished or rolled back, questions are cut short. Idempotent; it can be started again. */
  async stop(): Promise<void> {
    await this.#starting?.catch(() => {});
    this.#starting = undefined;
    this.#running?.stopping.abort();
    await this.#running?.ended;
    this.#running = undefined;
  }

  /** Calls `listener` on every such event. The returned function ends that. */
  on<Name extends keyof ProcessEvents>(name: Name, listener: (event: ProcessEvents[Name]) => void): () => void {
    return this.#listeners.on(name, listener);
  }

  /** Processes as they are stored, the longest unchanged first; 100, when `most` (1 to 1,000) is not said. */
  async find(query: Partial<ProcessQuery> = {}): Promise<readonly ProcessLine[]> {
    const { most = 100 } = query;
    if (!Number.isInteger(most) || most < 1 || most > 1_000)
      throw new InvalidOptionsError(`most is ${most}; it must be a whole number from 1 to 1,000.`);
    return this.#options.database.processes.find({ ...query, most });
  }

  /** Those with a step that only a person can decide, the longest unchanged first. */
  stuck(query: Partial<Omit<ProcessQuery, 'step'>> = {}): Promise<readonly ProcessLine[]> {
    return this.find({ ...query, step: 'stuck' });
  }

  /**
   * Says by hand what came of a step that is open, and closes its case, in one transaction; the process goes on from there. `compensated`: it was
   * taken back, or never has to be.
   *
   * @throws {@link InvalidOptionsError} there is no such open step, or that cannot be said of it; nothing was changed
   */
  async settle(place: StepPlace, as: 'completed' | 'failed' | 'compensated', options: SettleOptions): Promise<void> {
    const { database, unitOfWork, clock = systemClock, newId = newUuid, logger = silentLogger } = this.#options;
    const definition = this.#definitions.get(place.process);
    if (!definition)
      throw new InvalidOptionsError(
        `Process "${place.process}" is not among the processes here: ${[...this.#definitions.keys()].join(', ')}.`,
      );
    await settleByHand({ definition, database, unitOfWork, clock, newId, logger, place, as, ...options });
  }

  [ownHandlers](kind: HandlerKind): OwnHandlers<Tx> {
    const { database: stores, clock = systemClock, newId = newUuid } = this.#options;
    const tell = (event: ProcessEvent): void => this.#listeners.tell(event);
    return [...this.#definitions.values()].map((definition) => processHandler({ definition, stores, clock, newId, tell }, kind));
  }

  async #start(): Promise<void> {
    for (const process of await this.#options.database.processes.names())
      if (!this.#definitions.has(process)) this.#listeners.tell({ name: 'unhandled', event: { process } });
    const stopping = new AbortController();
    const ended = Promise.all([this.#clockwork.run(stopping.signal), this.#removals.run(stopping.signal)]);
    this.#running = { stopping, ended };
  }
}

const NINETY_DAYS_MS = 90 * 86_400_000;

function definitionsOf(processes: readonly ProcessManager<never>[]): ReadonlyMap<string, ProcessDefinition> {
  const definitions = new Map<string, ProcessDefinition>();
  for (const { name, definition } of processes) {
    if (definitions.has(name))
      throw new InvalidOptionsError(`Two processes are named "${name}". They are stored by name, so one would take the other's.`);
    if (!definition.reactions.some(({ starts }) => starts))
      throw new InvalidOptionsError(`Nothing begins process "${name}": say startsWith(event, { key }, ...) for at least one message.`);
    definitions.set(name, definition);
  }
  if (definitions.size === 0) throw new InvalidOptionsError('There is no process among `processes`: pass what processManager(...) made.');
  return definitions;
}

function refuseNumbers({ concurrency, ...times }: { pollMs: number; statusTimeoutMs: number; concurrency: number; keepMs: number }): void {
  for (const [name, value] of Object.entries(times))
    if (!(value >= 1) || (value === Infinity && name !== 'keepMs'))
      throw new InvalidOptionsError(`${name} is ${value}; it must be at least 1 millisecond${name === 'keepMs' ? ', or Infinity' : ''}.`);
  if (!Number.isInteger(concurrency) || concurrency < 1)
    throw new InvalidOptionsError(`concurrency is ${concurrency}; it must be a whole number from 1.`);
}
