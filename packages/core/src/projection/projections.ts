import { delay, systemClock } from '../clock.js';
import type { Clock } from '../clock.js';
import type { WaitOptions } from '../dispatcher/when-delivered.js';
import { InvalidOptionsError } from '../errors.js';
import { silentLogger } from '../logger.js';
import { endOf } from '../subscription/cut-short.js';
import { Listeners } from '../subscription/listeners.js';
import { SubscriptionOperators } from '../subscription/operators.js';
import type { Projector } from '../unit-of-work/projector.js';
import { messagesOfToken } from '../unit-of-work/receipt.js';
import type { Receipt } from '../unit-of-work/receipt.js';
import { FollowedProjection } from './followed-projection.js';
import { ProjectionOrders } from './projection-orders.js';
import type { PauseProjectionOptions, ResumeProjectionOptions } from './projection-orders.js';
import { subscriptionOf } from './generation.js';
import { ProjectionStatuses } from './projection-status.js';
import type { ProjectionStatus } from './projection-status.js';
import type { ProjectionsEvents } from './projections-events.js';
import { checkedCatalogue } from './projections-options.js';
import type { ProjectionsOptions } from './projections-options.js';
import { whenProjected } from './when-projected.js';

export interface CaughtUpOptions extends WaitOptions {
  /** Default: all of them. */
  readonly projection?: string;
}

/**
 * Projections that follow a log. Of each event they write exactly once what it changes, for their place in the log commits with it; however
 * many processes do the same, and whatever crashes: of each projection one process at a time has the lease.
 *
 * A process that never starts it can still look, wait and give orders: what follows elsewhere sees them within a third of its lease.
 */
export class Projections<Tx = unknown> {
  readonly #options: ProjectionsOptions<Tx>;
  readonly #clock: Clock;
  readonly #listeners: Listeners<ProjectionsEvents>;
  readonly #projections: readonly FollowedProjection<Tx>[];
  readonly #statuses: ProjectionStatuses;
  readonly #operators: SubscriptionOperators;
  readonly #orders: ProjectionOrders<Tx>;
  #wake = new AbortController();
  #running: { readonly stop: AbortController; readonly begun: Promise<void>; readonly ended: Promise<unknown> } | undefined;

  /** @throws {@link InvalidOptionsError} options that cannot work, two projections of one name, or an event that is not in the catalogue */
  constructor(options: ProjectionsOptions<Tx>) {
    const { clock = systemClock, random = Math.random, logger = silentLogger, database, projections } = options;
    const knownTypes = checkedCatalogue(options);
    this.#options = options;
    this.#clock = clock;
    this.#listeners = new Listeners(logger, {
      ...{ advanced: 'debug', waiting: 'warn', stopped: 'error', 'lease-lost': 'warn', trouble: 'warn' },
    });
    const lookAgain = (): void => this.#wake.abort();
    this.#projections = projections.map(
      (projector) => new FollowedProjection({ ...options, projector, knownTypes, clock, random, listeners: this.#listeners, lookAgain }),
    );
    this.#statuses = new ProjectionStatuses(clock);
    this.#operators = new SubscriptionOperators({ subscriptions: database.subscriptions, clock });
    this.#orders = new ProjectionOrders({ database, operators: this.#operators, clock, random });
  }

  /**
   * Makes the projections known, and begins to follow; resolves before they have caught up, and also where other processes hold them.
   * Idempotent.
   *
   * @param options.signal - aborting it is the same as calling `stop`
   * @throws {@link SubscriptionRefusedError} a projection has its place in another log
   * @throws {@link DatabaseUnavailableError}, and what a live generation's `prepare` throws; then nothing runs
   */
  async start({ signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    if (signal?.aborted) return this.stop();
    if (this.#running?.stop.signal.aborted) await this.stop(); // a stop under way comes first
    if (this.#running) return this.#running.begun;
    const stop = new AbortController();
    const beginning = this.#begin(stop.signal);
    const ended = endOf(
      beginning.then(() => this.#goOn(stop.signal)),
      stop.signal,
      this.#clock,
    );
    const begun = Promise.race([beginning, ended.then(() => {})]); // stopped while another process holds what it waits for, it begins nothing
    this.#running = { stop, begun, ended };
    const onAbort = (): void => void this.stop();
    signal?.addEventListener('abort', onAbort, { once: true });
    void ended.then(() => signal?.removeEventListener('abort', onAbort)); // it is this run's signal, not the next one's
    try {
      await begun;
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /**
   * Ends what is under way, gives the leases back, and resolves when nothing runs any more. Idempotent.
   *
   * A `prepare` or `retire` that takes longer, or waits for a lock that another process holds, is left alone a second later: it cannot commit.
   */
  async stop(): Promise<void> {
    const running = this.#running;
    if (!running) return;
    running.stop.abort();
    await running.ended;
    await Promise.all(this.#projections.map((projection) => projection.stop()));
    if (this.#running === running) this.#running = undefined;
  }

  /** Calls `listener` on every such event, in order. The returned function ends that. */
  on<Name extends keyof ProjectionsEvents>(name: Name, listener: (event: ProjectionsEvents[Name]) => void): () => void {
    return this.#listeners.on(name, listener);
  }

  /** All of these projections, wherever they are followed. */
  async status(): Promise<readonly ProjectionStatus[]> {
    const { projections } = this.#options.database;
    const bySubscription = new Map((await this.#operators.all()).map((status) => [status.subscription, status]));
    const stored = await Promise.all(this.#options.projections.map(({ name }) => projections.find(name)));
    return this.#options.projections.map(({ name }, index) => {
      const known = stored[index] ?? { projection: name, live: 1, rebuilding: undefined, switchedAt: undefined };
      return this.#statuses.of(known, (generation) => bySubscription.get(subscriptionOf(name, generation)));
    });
  }

  /**
   * The generation to read. Inside `tx` it is the one that this transaction sees; outside, its tables stay for `retireAfterMs` after another
   * one has taken its place.
   */
  async live(projection: string, tx?: NoInfer<Tx>): Promise<number> {
    const { name } = this.#named(projection);
    return (await this.#options.database.projections.find(name, tx))?.live ?? 1;
  }

  /**
   * Nothing is written until it is resumed; also over restarts.
   *
   * @throws {@link InvalidOptionsError} no such projection, or nobody has followed it yet
   */
  pause(projection: string, options: PauseProjectionOptions = {}): Promise<void> {
    return this.#orders.pause(this.#named(projection).name, options);
  }

  /**
   * Lets a projection go on that is paused, or has stopped at an event; passing that event by with `skip`, its id, and a `reason`.
   *
   * @throws {@link InvalidOptionsError} no such projection, no generation of it stands at that event, or no reason
   */
  resume(projection: string, options: ResumeProjectionOptions = {}): Promise<void> {
    return this.#orders.resume(this.#named(projection).name, options);
  }

  /**
   * Builds the projection anew from the beginning of the log, into tables of the next generation, beside the live one; and switches over
   * once it has caught up. While one is being built, it is that one.
   *
   * @returns the generation
   */
  async rebuild(projection: string): Promise<number> {
    const { name } = this.#named(projection);
    const { projections } = this.#options.database;
    await projections.register(name);
    const { rebuilding, live } = await projections.beginRebuild(name);
    this.#wake.abort();
    return rebuilding ?? live;
  }

  /**
   * Gives up the generation that is being built, and drops its tables, if the projection says how. The live one never hears of it.
   *
   * @throws {@link InvalidOptionsError} none is being built
   */
  async abandonRebuild(projection: string): Promise<void> {
    await this.#orders.abandonRebuild(this.#named(projection));
    this.#wake.abort();
  }

  /**
   * Resolves when the projections have written what the receipt's events change: read then what you wrote. Works in a process that does not
   * follow, too.
   *
   * @param receipt - of a unit of work, or its token
   * @returns `not-selected`: nobody wants any of these events, or the log does not have their streams
   * @throws {@link SubscriptionStoppedError} a projection stands at an event before them
   * @throws {@link WaitTimeoutError} after `timeoutMs`; {@link InvalidOptionsError} no such projection, or no token
   */
  async caughtUpWith(receipt: Receipt | string, { projection, ...options }: CaughtUpOptions = {}): Promise<'caught-up' | 'not-selected'> {
    const messages = typeof receipt === 'string' ? messagesOfToken(receipt) : receipt.messages;
    const projectors = projection === undefined ? this.#options.projections : [this.#named(projection)];
    const { database, log } = this.#options;
    const waits = projectors.map((projector) =>
      whenProjected(messages, { ...options, projector, database, log, clock: this.#clock, live: () => this.live(projector.name) }),
    );
    const outcomes = await Promise.all(waits);
    return outcomes.includes('caught-up') ? 'caught-up' : 'not-selected';
  }

  async #begin(signal: AbortSignal): Promise<void> {
    for (const projection of this.#projections) await projection.look(signal);
  }

  /** Looks again from time to time: what is written, and which generation is read, may be decided in another process. */
  async #goOn(stop: AbortSignal): Promise<void> {
    const { leaseMs = 10_000 } = this.#options;
    while (!stop.aborted) {
      await delay(this.#clock, leaseMs / 3, AbortSignal.any([stop, this.#wake.signal]));
      this.#wake = new AbortController();
      for (const projection of stop.aborted ? [] : this.#projections) {
        await projection.look(stop).catch((error: unknown) => {
          if (!stop.aborted) this.#listeners.tell('trouble', { projection: projection.name, error });
        });
      }
    }
  }

  #named(projection: string): Projector<Tx> {
    const found = this.#options.projections.find(({ name }) => name === projection);
    if (found) return found;
    const names = this.#options.projections.map(({ name }) => name).join(', ');
    throw new InvalidOptionsError(`There is no projection "${projection}" here, only: ${names}.`);
  }
}
