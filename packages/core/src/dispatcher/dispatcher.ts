import { setMaxListeners } from 'node:events';
import { hostname } from 'node:os';
import { ignoreElements, merge } from 'rxjs';
import { v4 as randomUuid } from 'uuid';
import { delay, systemClock } from '../clock.js';
import type { Clock } from '../clock.js';
import type { Database } from '../database.js';
import { InvalidOptionsError, WaitTimeoutError } from '../errors.js';
import { silentLogger } from '../logger.js';
import type { Logger } from '../logger.js';
import { Catalogue } from '../message/catalogue.js';
import type { MessageDefinition } from '../message/definition.js';
import type { Reached } from '../moment.js';
import type { LaneActionRequest } from '../outbox/lane-action.js';
import type { StoredLane } from '../outbox/delivery-status.js';
import { selects } from '../outbox/selects.js';
import type { Sink } from '../sink/sink.js';
import type { Receipt } from '../unit-of-work/receipt.js';
import { messagesOfToken } from '../unit-of-work/receipt.js';
import type { DispatcherEvents } from './dispatcher-events.js';
import { DispatcherListeners } from './dispatcher-listeners.js';
import { wakeHints } from './hints.js';
import { routeLanes } from './route-lanes.js';
import { registerRoute, routesOf } from './route.js';
import type { Route, RouteOptions } from './route.js';

export interface DispatcherOptions<RouteName extends string = string> {
  readonly database: Database;
  readonly catalogue: readonly MessageDefinition[];
  readonly routes: Readonly<Record<RouteName, RouteOptions>>;
  /** Name of this instance in leases and events. Default: host name, process id and a random part. */
  readonly instance?: string;
  /** How long a lane stays with a process that is gone, in milliseconds. Default 10,000; renewed every third of it. */
  readonly leaseMs?: number;
  /** Longest pause between two looks for messages that no wake-up announced, in milliseconds. Default 1,000. */
  readonly pollMs?: number;
  /** How long `stop` waits for the batch in flight before it cuts it short, in milliseconds. Default 10,000. */
  readonly stopWithinMs?: number;
  readonly logger?: Logger;
  readonly clock?: Clock;
  /** 0 (inclusive) to 1 (exclusive), for jitter. */
  readonly random?: () => number;
  /** Awaited at named moments; `CrashPoints` of `@waybill/testing` plugs in here. */
  readonly reached?: Reached;
}

/** One lane as operators see it. */
export interface LaneStatus<RouteName extends string = string> extends Omit<StoredLane, 'route'> {
  readonly route: RouteName;
}

export interface WaitOptions {
  /** Give up after so many milliseconds. Default: wait for ever. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

const FIRST_LOOK_MS = 5;
const LONGEST_LOOK_MS = 250;

/**
 * Empties the outbox: streams each route's messages to its sink, in order, and stops a lane at its first failure. (The pattern books
 * call it the message relay.)
 *
 * Any number of processes may run one with the same routes: each lane is held by one of them at a time. Route names are
 * inferred from the keys of `routes`.
 */
export class Dispatcher<RouteName extends string = string> {
  readonly #options: DispatcherOptions<RouteName>;
  readonly #routes: readonly Route[];
  readonly #catalogue: Catalogue;
  readonly #instance: string;
  readonly #listeners: DispatcherListeners<RouteName>;
  #running: { readonly stop: AbortController; readonly started: Promise<unknown>; readonly ended: Promise<void> } | undefined;

  /** @throws {@link InvalidOptionsError}, {@link RouteRefusedError} the options cannot work; nothing was started */
  constructor(options: DispatcherOptions<RouteName>) {
    const { leaseMs = 10_000, pollMs = 1_000, stopWithinMs = 10_000 } = options;
    for (const [name, value, least] of [
      ['leaseMs', leaseMs, 300],
      ['pollMs', pollMs, 1],
      ['stopWithinMs', stopWithinMs, 0],
    ] as const) {
      if (!Number.isFinite(value) || value < least)
        throw new InvalidOptionsError(`${name} is ${value}; it must be at least ${least} milliseconds.`);
    }
    this.#options = { ...options, leaseMs, pollMs, stopWithinMs };
    this.#listeners = new DispatcherListeners(options.logger ?? silentLogger);
    this.#catalogue = new Catalogue(options.catalogue);
    this.#routes = routesOf(options.routes, this.#catalogue);
    this.#instance = options.instance ?? `${hostname()}:${process.pid}:${randomUuid().slice(0, 8)}`;
  }

  /**
   * Checks database and routes, starts the sinks, and begins to deliver. Idempotent.
   *
   * @param options.signal - aborting it is the same as calling `stop`
   * @throws {@link SchemaMismatchError}, {@link DatabaseReplacedError}, {@link DatabaseUnavailableError}, {@link RouteRefusedError} and what a sink's `start` throws; then nothing runs
   */
  async start({ signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    if (this.#running?.stop.signal.aborted) await this.stop(); // a stop under way comes first
    if (this.#running) return void (await this.#running.started);
    const stop = new AbortController();
    const started = this.#start(stop.signal);
    // Told apart from the start itself, so that a stop in the middle of a start waits for both.
    const ended = started.then(
      (running) => running.ended,
      () => {},
    );
    this.#running = { stop, started, ended };
    try {
      await started;
    } catch (error) {
      this.#running = undefined;
      throw error;
    }
    if (signal?.aborted) return this.stop();
    const onAbort = (): void => void this.stop();
    signal?.addEventListener('abort', onAbort, { once: true });
    void ended.then(() => signal?.removeEventListener('abort', onAbort)); // it is this run's signal, not the next one's
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
   * `not-selected`: the route takes none of them. `skipped`: a person passed at least one by. Waits while the route is halted.
   *
   * @param receipt - of a unit of work, or its token
   * @throws {@link WaitTimeoutError} after `timeoutMs`; {@link InvalidOptionsError} no such route, or no token
   */
  async delivered(
    receipt: Receipt | string,
    route: RouteName,
    { timeoutMs = Infinity, signal }: WaitOptions = {},
  ): Promise<'delivered' | 'not-selected' | 'skipped'> {
    const { clock = systemClock, database } = this.#options;
    const messages = typeof receipt === 'string' ? messagesOfToken(receipt) : receipt.messages;
    const { selection } = this.#routeNamed(route);
    const deadline = clock.monotonic() + timeoutMs;

    for (let waitMs = FIRST_LOOK_MS; ; waitMs = Math.min(LONGEST_LOOK_MS, waitMs * 2)) {
      const progress = await database.status.progress(route, messages);
      const selected = progress.filter((message) => selects(selection, message));
      if (progress.length === messages.length && selected.every(({ passed }) => passed)) {
        if (selected.length === 0) return 'not-selected';
        return selected.some(({ skipped }) => skipped) ? 'skipped' : 'delivered';
      }
      signal?.throwIfAborted();
      if (clock.monotonic() >= deadline)
        throw new WaitTimeoutError(`Delivery of ${messages.length} messages to route "${route}"`, timeoutMs);
      await this.#nextLook(route, Math.min(waitMs, deadline - clock.monotonic()), signal);
    }
  }

  /** Every lane of every route, also those that other instances hold, and of routes that this dispatcher does not run. */
  async lanes(): Promise<readonly LaneStatus<RouteName>[]> {
    return (await this.#options.database.status.lanes()) as readonly LaneStatus<RouteName>[];
  }

  /** Lets halted or waiting lanes go on at once, with the message that stopped them. The holder does it, at its next step. */
  async resume(route: RouteName, lane?: number): Promise<void> {
    this.#routeNamed(route);
    const stopped = (await this.lanes()).filter(
      (status) => status.route === route && (lane === undefined || status.lane === lane) && status.state !== 'running',
    );
    if (stopped.length === 0)
      throw new InvalidOptionsError(
        `Route "${route}" has no stopped lane${lane === undefined ? '' : ` ${lane}`}; there is nothing to resume.`,
      );
    for (const status of stopped) await this.#order({ route, lane: status.lane, kind: 'resume' });
  }

  /**
   * Passes by the message that a lane stands at. A sink that needs whole streams gets a placeholder in its place.
   *
   * @param reason - kept for good, because a later reader will ask
   */
  async skip(route: RouteName, messageId: string, reason: string): Promise<void> {
    this.#routeNamed(route);
    if (reason.trim() === '') throw new InvalidOptionsError('A skip needs a reason: it is kept for whoever asks later.');
    const lane = (await this.lanes()).find((status) => status.route === route && status.failure?.messageId === messageId);
    if (!lane)
      throw new InvalidOptionsError(`No lane of route "${route}" stands at message ${messageId}; only such a message can be skipped.`);
    await this.#order({ route, lane: lane.lane, kind: 'skip', messageId, reason });
  }

  async #start(stopping: AbortSignal): Promise<{ readonly ended: Promise<void> }> {
    const { database } = this.#options;
    await database.verify();
    for (const route of this.#routes) await registerRoute(route, database.routes);
    await this.#startSinks(stopping);
    this.#listeners.tell({ name: 'started', event: { instance: this.#instance } });

    const stopped = async (): Promise<void> => {
      await this.#stopSinks(this.#sinks);
      this.#listeners.tell({ name: 'stopped', event: { instance: this.#instance } });
    };
    return { ended: this.#dispatch(stopping).then(stopped) };
  }

  get #sinks(): readonly Sink[] {
    return [...new Set(this.#routes.map(({ sink }) => sink))];
  }

  async #startSinks(stopping: AbortSignal): Promise<void> {
    const started: Sink[] = [];
    try {
      for (const sink of this.#sinks) {
        await sink.start?.(stopping);
        started.push(sink);
      }
    } catch (error) {
      await this.#stopSinks(started);
      throw error;
    }
  }

  /** All of them, also when one cannot. */
  async #stopSinks(sinks: readonly Sink[]): Promise<void> {
    for (const sink of sinks) {
      try {
        await sink.stop?.();
      } catch (error) {
        this.#listeners.tell({ name: 'trouble', event: { route: undefined, lane: undefined, doing: 'stopping a sink', error } });
      }
    }
  }

  /** The one subscription: every lane of every route, until `stopping` aborts and the batches in flight are settled. */
  #dispatch(stopping: AbortSignal): Promise<void> {
    const {
      database,
      leaseMs,
      pollMs,
      stopWithinMs,
      clock = systemClock,
      random = Math.random,
      logger = silentLogger,
      reached,
    } = this.#options;
    const cut = new AbortController();
    setMaxListeners(0, stopping, cut.signal); // every lane listens
    stopping.addEventListener('abort', () => {
      const cancel = clock.after(stopWithinMs!, () => cut.abort());
      void ended.finally(cancel);
    });
    const onTrouble = (doing: string, error: unknown): void =>
      this.#listeners.tell({ name: 'trouble', event: { route: undefined, lane: undefined, doing, error } });
    const hints = wakeHints(database.wakeUps, { clock, pollMs: pollMs!, stopping, onTrouble });
    const shared = {
      stores: database,
      catalogue: this.#catalogue,
      clock,
      random,
      logger,
      reached,
      cut: cut.signal,
      hints,
      owner: this.#instance,
      leaseMs: leaseMs!,
    };
    const lanes = this.#routes.map((route) => routeLanes({ ...shared, route, stopping }));

    const ended = new Promise<void>((resolve, reject) => {
      merge(...lanes, hints.pipe(ignoreElements())).subscribe({
        next: (event) => this.#listeners.tell(event),
        complete: resolve,
        error: reject,
      });
    });
    return ended;
  }

  async #order(action: LaneActionRequest): Promise<void> {
    await this.#options.database.actions.request(action);
    this.#options.database.wakeUps.nudge('action', []);
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
    const { clock = systemClock } = this.#options;
    const woken = new AbortController();
    const off = this.on('delivered', (event) => event.route === route && woken.abort());
    try {
      await delay(clock, ms, signal ? AbortSignal.any([woken.signal, signal]) : woken.signal);
    } finally {
      off();
    }
  }
}
