import { setMaxListeners } from 'node:events';
import { v4 as randomUuid } from 'uuid';
import { delay } from '../clock.js';
import { outboxSnapshot } from '../alarm/outbox-snapshot.js';
import type { OutboxSnapshot } from '../alarm/outbox-snapshot.js';
import { WatchedAlarms } from '../alarm/watched-alarms.js';
import { InvalidOptionsError } from '../errors.js';
import { Catalogue } from '../message/catalogue.js';
import type { StoredAttempt } from '../outbox/delivery-attempt.js';
import type { AttemptQuery, MessageQuery, MessageStatus, RouteStoppedStream, StoredLane } from '../outbox/delivery-status.js';
import type { RecordedAction } from '../outbox/lane-action.js';
import type { Receipt } from '../unit-of-work/receipt.js';
import { messagesOfToken } from '../unit-of-work/receipt.js';
import { advanceMark } from './witness/advance-mark.js';
import { DispatcherListeners } from './dispatcher-listeners.js';
import type { DispatcherEvent, DispatcherEvents } from './dispatcher-events.js';
import { completeOptions } from './dispatcher-options.js';
import type { CompleteOptions, DispatcherOptions } from './dispatcher-options.js';
import { dispatching } from './dispatching.js';
import { Operators } from './operators.js';
import type { RedriveChoice, RedriveOptions } from './operators.js';
import { refuseOddMost, refuseOddQuery } from './queries.js';
import { Rates } from './rates.js';
import { retireRoute } from './retire-route.js';
import { registerRoute, routesOf } from './route.js';
import type { Route } from './route.js';
import { RouteSinks } from './route-sinks.js';
import { whenDelivered } from './when-delivered.js';
import type { WaitOptions } from './when-delivered.js';
import { watchWitness } from './witness/witness-watch.js';

/** One lane as operators see it. */
export interface LaneStatus<RouteName extends string = string> extends Omit<StoredLane, 'route'> {
  readonly route: RouteName;
}

/**
 * Empties the outbox: streams each route's messages to its sink, in order, and stops at failures as the route's policy says. (The pattern
 * books call it the message relay.)
 *
 * Any number of processes may run one with the same routes: they share the lanes out, and each lane is held by one of them at a time.
 * Route names are inferred from the keys of `routes`.
 */
export class Dispatcher<RouteName extends string = string> {
  readonly #options: CompleteOptions<RouteName>;
  readonly #routes: readonly Route[];
  readonly #sinks: RouteSinks;
  readonly #catalogue: Catalogue;
  readonly #listeners: DispatcherListeners<RouteName>;
  readonly #operators: Operators;
  readonly #rates: Rates;
  #running: { readonly stop: AbortController; readonly started: Promise<unknown>; readonly ended: Promise<void> } | undefined;

  /** @throws {@link InvalidOptionsError}, {@link RouteRefusedError} the options cannot work; nothing was started */
  constructor(options: DispatcherOptions<RouteName>) {
    this.#options = completeOptions(options);
    const { logger, clock, database, instance } = this.#options;
    this.#listeners = new DispatcherListeners(logger);
    this.#catalogue = new Catalogue(options.catalogue);
    this.#routes = routesOf(options.routes, this.#catalogue);
    this.#sinks = new RouteSinks(this.#routes);
    this.#operators = new Operators({ stores: database, requestedBy: instance });
    this.#rates = new Rates(clock);
    new WatchedAlarms(this.#options); // made anew with each start; options that cannot work are refused here, before anything is
  }

  /**
   * Checks database and routes, starts the sinks, and begins to deliver. Idempotent.
   *
   * @param options.signal - aborting it is the same as calling `stop`
   * @throws {@link SchemaMismatchError}, {@link DatabaseReplacedError}, {@link DatabaseUnavailableError}, {@link WitnessBehindError}, {@link WitnessUnavailableError}, {@link RouteRefusedError} and what a sink's `start` throws; then nothing runs
   */
  async start({ signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    if (signal?.aborted) return this.stop();
    if (this.#running?.stop.signal.aborted) await this.stop(); // a stop under way comes first
    if (this.#running) return void (await this.#running.started);
    const stop = new AbortController();
    const started = this.#start(stop);
    // Told apart from the start itself, so that a stop in the middle of a start waits for both.
    const ended = started.then(
      (running) => running.ended,
      () => {},
    );
    this.#running = { stop, started, ended };
    const onAbort = (): void => void this.stop(); // also in the middle of a start: a sink may wait for its target there
    signal?.addEventListener('abort', onAbort, { once: true });
    void ended.then(() => signal?.removeEventListener('abort', onAbort)); // it is this run's signal, not the next one's
    try {
      await started;
    } catch (error) {
      this.#running = undefined;
      throw error;
    }
    if (signal?.aborted) await this.stop();
  }

  /** Finishes the batch in flight, stores what was delivered, releases the leases and stops the sinks. Idempotent. */
  async stop(): Promise<void> {
    const running = this.#running;
    if (!running) return;
    running.stop.abort();
    await running.ended;
    if (this.#running === running) this.#running = undefined;
  }

  /** Calls `listener` on every such event, in order. The returned function ends that. */
  on<Name extends keyof DispatcherEvents>(name: Name, listener: (event: DispatcherEvents<RouteName>[Name]) => void): () => void {
    return this.#listeners.on(name, listener);
  }

  /**
   * Resolves when the route is done with the receipt's messages; works in a process that does not dispatch, too.
   *
   * `not-selected`: the route takes none of them. `skipped`: a person, or the route's policy, passed at least one by. Waits while the route,
   * or a stream of them, is halted. What retention has removed was delivered to whoever selected it.
   *
   * @param receipt - of a unit of work, or its token
   * @throws {@link ParkedError} one of them is set aside; {@link WaitTimeoutError} after `timeoutMs`; {@link InvalidOptionsError} no such route, or no token
   */
  async delivered(
    receipt: Receipt | string,
    route: RouteName,
    options: WaitOptions = {},
  ): Promise<'delivered' | 'not-selected' | 'skipped'> {
    const { clock, database } = this.#options;
    const messages = typeof receipt === 'string' ? messagesOfToken(receipt) : receipt.messages;
    const nextLook = (ms: number): Promise<void> => this.#nextLook(route, ms, options.signal);
    return whenDelivered(messages, this.#routeNamed(route), { ...options, stores: database, clock, nextLook });
  }

  /** Every lane of every route, also those that other instances hold, and of routes that this dispatcher does not run. */
  async lanes(): Promise<readonly LaneStatus<RouteName>[]> {
    return (await this.#options.database.status.lanes()) as readonly LaneStatus<RouteName>[];
  }

  /** The streams of a route that wait while their lanes go on, the longest stopped first; up to 10,000. */
  async stopped(route: RouteName): Promise<readonly RouteStoppedStream[]> {
    this.#routeNamed(route);
    return this.#options.database.status.stopped({ route, most: 10_000 });
  }

  /** What each route made of a message, or of a part of a stream: waiting, done or failed, how often, when, and why. */
  async messages(query: MessageQuery): Promise<readonly MessageStatus[]> {
    refuseOddQuery(query);
    return this.#options.database.status.messages(query);
  }

  /** What was tried with a message, newest first: when, by whom, and what the target answered. As long as `keepHistoryMs` says. */
  async attempts(query: AttemptQuery): Promise<readonly StoredAttempt[]> {
    refuseOddQuery({ messageId: query.messageId, most: query.most });
    return this.#options.database.status.attempts(query);
  }

  /** The newest orders for a route, newest first, with what became of them; and what its policy has discarded. */
  async actions(route: RouteName, most = 100): Promise<readonly RecordedAction[]> {
    refuseOddMost(most);
    return this.#options.database.actions.recorded(route, most);
  }

  /** How all routes stand, as one object of plain JSON, with the rates of this instance over the last minute. */
  snapshot(): Promise<OutboxSnapshot> {
    const { database, clock } = this.#options;
    return outboxSnapshot(database, { clock, rates: new Map(this.#routes.map(({ name }) => [name, this.#rates.of(name)])) });
  }

  /**
   * Lets halted or waiting lanes, and halted streams, go on at once with the message that stopped them. The holder does it, at its next step.
   * What nobody knew the outcome of is sent again then: a lane that waits for its target to tell goes on only where `lane` names it.
   */
  async resume(route: RouteName, lane?: number): Promise<void> {
    this.#routeNamed(route);
    await this.#operators.resume(route, lane);
  }

  /**
   * Passes by the message that a lane, or a stopped stream, stands at. A sink that needs whole streams gets a placeholder in its place.
   *
   * @param reason - kept for good, because a later reader will ask
   */
  async skip(route: RouteName, messageId: string, reason: string): Promise<void> {
    this.#routeNamed(route);
    await this.#operators.skip(route, messageId, reason);
  }

  /**
   * Delivers stopped streams from the message on that stopped them, in order, beside what goes on: one stream, those whose last failure had
   * a code, or all. The holder of each lane does it, at its next step; a `redriven` event tells when a stream is through. What nobody knew the
   * outcome of is sent again then: `'all'` leaves out streams that wait for their target to tell.
   *
   * @returns the streams, at most 10,000 in one call; with `dryRun` nothing is ordered
   */
  async redrive(route: RouteName, choice: RedriveChoice, options: RedriveOptions = {}): Promise<readonly RouteStoppedStream[]> {
    this.#routeNamed(route);
    return this.#operators.redrive(route, choice, options);
  }

  /**
   * Ends a route for good: nobody needs its messages any more, and it holds back their removal no longer. For routes that are not in
   * `routes` any more; one of this dispatcher is refused.
   *
   * @throws {@link InvalidOptionsError} this dispatcher runs it, or somebody still does; there never was such a route
   */
  async retireRoute(name: string): Promise<void> {
    if (this.#routes.some((route) => route.name === name))
      throw new InvalidOptionsError(`Route "${name}" is one of this dispatcher's own. Take it out of \`routes\` first, and deploy that.`);
    await retireRoute(name, this.#options.database);
  }

  async #start(stop: AbortController): Promise<{ readonly ended: Promise<void> }> {
    const { database, instance } = this.#options;
    const stopping = stop.signal;
    await database.verify();
    const watchWitnessUntilStop = await this.#compareWithWitness();
    for (const route of this.#routes) await registerRoute(route, database.routes);
    await this.#sinks.start(stopping, (event) => this.#listeners.tell(event));
    const alarms = new WatchedAlarms(this.#options);
    alarms.start();
    const tell = (event: DispatcherEvent): void => {
      this.#rates.count(event);
      this.#listeners.tell(event);
      alarms.hear(event);
    };
    tell({ name: 'started', event: { instance } });

    const stopped = async (): Promise<void> => {
      await this.#sinks.stop(tell);
      tell({ name: 'stopped', event: { instance } });
      await alarms.stop();
    };
    return { ended: Promise.all([this.#dispatch(stopping, tell), watchWitnessUntilStop(stop, tell)]).then(stopped) };
  }

  /** Before anything starts, and from then on: whoever finds another outbox than it began with stops. */
  async #compareWithWitness(): Promise<(stop: AbortController, tell: (event: DispatcherEvent) => void) => Promise<void>> {
    const { witness, witnessEveryMs: everyMs, database, clock } = this.#options;
    if (!witness) return () => Promise.resolve();
    const comparing = { identity: database.identity, witness, newId: randomUuid };
    const known = await advanceMark(comparing);
    return (stop, tell) =>
      watchWitness({
        ...comparing,
        ...{ known, clock, everyMs, stopping: stop.signal },
        onTrouble: (doing, error) => tell({ name: 'trouble', event: { route: undefined, lane: undefined, doing, error } }),
        onReplaced: () => stop.abort(),
      });
  }

  /** The one subscription, until `stopping` aborts and the batches in flight are settled. */
  #dispatch(stopping: AbortSignal, tell: (event: DispatcherEvent) => void): Promise<void> {
    const { clock, stopWithinMs } = this.#options;
    const cut = new AbortController();
    setMaxListeners(0, stopping, cut.signal); // every lane listens
    stopping.addEventListener('abort', () => {
      const cancel = clock.after(stopWithinMs, () => cut.abort());
      void ended.finally(cancel);
    });
    const onTrouble = (doing: string, error: unknown): void =>
      tell({ name: 'trouble', event: { route: undefined, lane: undefined, doing, error } });
    const shared = { options: this.#options, routes: this.#routes, catalogue: this.#catalogue, rates: this.#rates };
    const ended = new Promise<void>((resolve, reject) => {
      dispatching({ ...shared, stopping, cut: cut.signal, onTrouble }).subscribe({ next: tell, complete: resolve, error: reject });
    });
    return ended;
  }

  #routeNamed(name: string): Route {
    const route = this.#routes.find((candidate) => candidate.name === name);
    if (!route)
      throw new InvalidOptionsError(
        `There is no route "${name}" here; there are ${this.#routes.map((known) => `"${known.name}"`).join(', ')}.`,
      );
    return route;
  }

  /** Waits for a delivery of this process on the route, or for the time to look again. */
  async #nextLook(route: RouteName, ms: number, signal: AbortSignal | undefined): Promise<void> {
    const { clock } = this.#options;
    const woken = new AbortController();
    const off = this.on('delivered', (event) => event.route === route && woken.abort());
    try {
      await delay(clock, ms, signal ? AbortSignal.any([woken.signal, signal]) : woken.signal);
    } finally {
      off();
    }
  }
}
