import { InvalidOptionsError, RouteRefusedError } from '../errors.js';
import type { Catalogue } from '../message/catalogue.js';
import type { MessageDefinition } from '../message/definition.js';
import type { Selection } from '../outbox/lane-store.js';
import type { RouteStore, StoredRoute } from '../outbox/route-store.js';
import type { Sink } from '../sink/sink.js';
import type { RetryOptions } from '../backoff.js';
import { isPlainText } from '../plain-text.js';
import { FAILURE_POLICIES } from './failure/failure-policy.js';
import type { FailurePolicy } from './failure/failure-policy.js';

export interface RouteOptions {
  readonly sink: Sink;
  /**
   * Which messages, as data, so that it can be pushed into the query. Default: what the sink says it takes (a `HandlerSink` does);
   * otherwise every event and no command. Refused for sinks that need whole streams.
   */
  readonly only?: readonly MessageDefinition[];
  /** Which streams, by prefix. Default: all. */
  readonly streams?: readonly string[];
  /**
   * Where a route begins that is new to an outbox that had messages before; without it, the dispatcher refuses to start. A sink that
   * needs whole streams can only begin at the beginning, and does.
   */
  readonly start?: 'beginning' | 'now';
  /** `'stream'` (default): in order per stream, lanes side by side. `'global'`: one total order that respects causality, one lane. */
  readonly order?: 'stream' | 'global';
  /**
   * What becomes of a message that has used up `retry.attempts`, or can never be delivered. Default `halt`. With `order: 'global'` nothing
   * else is possible, and a sink that needs whole streams can have nothing discarded.
   */
  readonly onFailure?: FailurePolicy;
  readonly retry?: RetryOptions;
  /** `size`: most messages read and delivered at once, 1 to 10,000. Default 500. */
  readonly batch?: { readonly size?: number };
  /** Types, and schema versions, that this process does not know: pass them on as stored (default; rolling deployments), or halt. */
  readonly unknownTypes?: 'deliver' | 'halt';
  /** The name that this route had before: it goes on where that one is, with its lanes, stopped streams and orders. */
  readonly formerly?: string;
}

/** A route with its defaults filled in. */
export interface Route {
  readonly name: string;
  readonly sink: Sink;
  readonly selection: Selection;
  readonly order: 'stream' | 'global';
  readonly start: 'beginning' | 'now' | undefined;
  readonly attempts: number;
  readonly retry: Required<RetryOptions>;
  readonly onFailure: FailurePolicy;
  readonly formerly: string | undefined;
  /** What the route says, and not more than its sink takes at once. */
  readonly batchSize: number;
  /**
   * Each message is written down before it is delivered: its sink takes one at a time, because its target must not get any twice. Whoever
   * comes after a crash then knows which one may have got there.
   */
  readonly writesAhead: boolean;
  readonly unknownTypes: 'deliver' | 'halt';
}

/**
 * Routes as they will run.
 *
 * @throws {@link InvalidOptionsError}, {@link RouteRefusedError} a route, or all of them together, cannot work
 */
export function routesOf(options: Readonly<Record<string, RouteOptions>>, catalogue: Catalogue): readonly Route[] {
  const routes = Object.entries(options).map(([name, route]) => routeOf(name, route, catalogue));
  if (routes.length === 0) throw new InvalidOptionsError('A dispatcher needs at least one route.');
  refuseDividedLanes(routes);
  for (const { kind, type } of catalogue.definitions) {
    if (kind !== 'command') continue;
    const takers = Object.entries(options).filter(([, route]) => takes(route)?.some((definition) => definition.type === type));
    if (takers.length !== 1) {
      const found = takers.length === 0 ? 'none does' : `${takers.map(([name]) => name).join(' and ')} do`;
      throw new InvalidOptionsError(
        `A command has exactly one recipient: one route must name ${type} in \`only\`, or have its handler, and ${found}.`,
      );
    }
  }
  return routes;
}

/** A former name's lanes go to one route: another that counts on them would be left without any, and deliver nothing. */
function refuseDividedLanes(routes: readonly Route[]): void {
  for (const { name, formerly } of routes) {
    if (formerly === undefined) continue;
    const other = routes.find((route) => route.name === formerly || (route.formerly === formerly && route.name !== name));
    if (other?.name === formerly)
      throw new RouteRefusedError(
        name,
        `it was formerly "${formerly}", which is a route of this dispatcher still; take that one out of \`routes\``,
      );
    if (other)
      throw new RouteRefusedError(name, `it was formerly "${formerly}", and so was "${other.name}"; only one of them can go on there`);
  }
}

const takes = ({ only, sink }: RouteOptions): readonly MessageDefinition[] | undefined => only ?? sink.handles;

function routeOf(name: string, options: RouteOptions, catalogue: Catalogue): Route {
  const {
    sink,
    streams,
    start,
    order = 'stream',
    onFailure = 'halt',
    retry = {},
    batch = {},
    unknownTypes = 'deliver',
    formerly,
  } = options;
  const { size = 500 } = batch;
  const { mostAtOnce = size } = sink ?? {};
  const { attempts = 10, firstMs = 200, maxMs = 30_000 } = retry;
  const refuse = (reason: string): RouteRefusedError => new RouteRefusedError(name, reason);
  const stranger = sink?.handles?.find(({ type }) => !catalogue.find(type));
  const only = sink && takes(options);
  const unhandled =
    sink?.handles && only?.find(({ kind, type }) => kind === 'command' && !sink.handles!.some((known) => known.type === type));

  if (name === '') throw refuse('it has no name');
  if (!isPlainText(name)) throw refuse('its name holds a NUL character or half a surrogate pair, which not every database keeps');
  if (typeof sink?.deliver !== 'function') throw refuse('it has no sink');
  if (!FAILURE_POLICIES.includes(onFailure))
    throw refuse(`onFailure "${String(onFailure)}" does not exist; choose ${FAILURE_POLICIES.join(', ')}`);
  if (order !== 'stream' && order !== 'global') throw refuse(`order "${String(order)}" does not exist; choose "stream" or "global"`);
  if (order === 'global' && onFailure !== 'halt')
    throw refuse(`onFailure "${onFailure}" lets messages pass a failed one, which order "global" rules out; use "halt", or order "stream"`);
  if (onFailure === 'discard' && sink.needsWholeStreams)
    throw refuse('its sink needs whole streams, and "discard" would leave holes in them; use "halt", "halt-stream" or "park-stream"');
  if (formerly === name) throw refuse('`formerly` is its own name');
  if (!isWhole(size, 1, 10_000)) throw refuse('batch.size must be a whole number from 1 to 10,000');
  if (!isWhole(mostAtOnce, 1, Infinity))
    throw refuse(`its sink says mostAtOnce: ${String(mostAtOnce)}, which must be a whole number from 1; leave it out for no limit`);
  if (!isWhole(attempts, 1, Infinity)) throw refuse('retry.attempts must be a whole number from 1');
  if (!(firstMs > 0) || !(maxMs >= firstMs)) throw refuse('retry.firstMs must be above 0, and retry.maxMs not below it');
  if (stranger)
    throw refuse(
      `its sink handles ${stranger.type}, which is not in the catalogue; add the definition, so that payloads are checked and brought to today's shape`,
    );
  if (unhandled)
    throw refuse(
      `it names the command ${unhandled.type} in \`only\`, but its sink has no handler of it; a command has exactly one handler`,
    );
  if (only?.length === 0)
    throw refuse('it would select nothing: `only` is empty (leave it out to select every event), or its sink has no handler');
  if (streams?.some((prefix) => prefix === '') || streams?.length === 0)
    throw refuse('`streams` holds no prefix, or an empty one; leave it out to select all streams');
  if (sink.needsWholeStreams && only)
    throw refuse('its sink needs whole streams, so `only` would leave holes in them; select by `streams` instead');
  if (sink.needsWholeStreams && start === 'now')
    throw refuse('its sink needs whole streams, and `start: "now"` would leave out their beginning; use "beginning"');

  const types = only?.flatMap(({ type, formerly }) => [type, ...formerly]);
  const selection = { ...(types && { types }), ...(streams && { streams }) };
  return {
    name,
    sink,
    selection,
    order,
    start,
    attempts,
    retry: { attempts, firstMs, maxMs },
    onFailure,
    formerly,
    batchSize: Math.min(size, mostAtOnce),
    writesAhead: mostAtOnce === 1 && sink.mostAtOnce === 1,
    unknownTypes,
  };
}

const isWhole = (value: number, least: number, most: number): boolean =>
  (Number.isInteger(value) || value === Infinity) && value >= least && value <= most;

/**
 * Makes the route known to the database, or checks it against what the database remembers of it.
 *
 * @throws {@link RouteRefusedError} it is new and must say where it begins, or it changed in a way that would break its order
 */
export async function registerRoute({ name, formerly, sink, selection, order, start }: Route, store: RouteStore): Promise<void> {
  const stored = (await knownAs(name, store)) ?? (await takenFrom(formerly, name, store));
  if (stored) return reconcile({ name, order, selection, start: stored.start }, stored, store, sink.needsWholeStreams === true);

  const { empty, removed } = await store.outbox();
  if (start === undefined && !sink.needsWholeStreams && !empty) {
    throw new RouteRefusedError(
      name,
      'it is new, but the outbox has messages already; say where it begins with start: "beginning" (every message ever committed) or "now" (those from now on)',
    );
  }
  if (start === 'now') return store.save({ name, order, selection, start });
  if (removed) throw beginningRemoved(name, sink);
  await store.save({ name, order, selection, start: start ?? 'beginning' });
  // What was removed from now on, this route has passed. What was removed since the look above, it would lack.
  if ((await store.outbox()).removed) {
    await store.retire(name);
    throw beginningRemoved(name, sink);
  }
}

const beginningRemoved = (name: string, { needsWholeStreams = false }: Sink): RouteRefusedError =>
  new RouteRefusedError(
    name,
    `it is new and would begin at the beginning, which was removed from the outbox (keepMessagesMs)${needsWholeStreams ? '; fill the target from elsewhere, e.g. from another event store, and choose streams that are new' : '; use start: "now"'}`,
  );

/** A route that was retired is none: it begins anew. */
async function knownAs(name: string, store: RouteStore): Promise<StoredRoute | undefined> {
  const stored = await store.find(name);
  return stored?.retiredAt ? undefined : stored;
}

async function takenFrom(formerly: string | undefined, name: string, store: RouteStore): Promise<StoredRoute | undefined> {
  if (formerly === undefined || !(await knownAs(formerly, store))) return undefined;
  if (await store.rename(formerly, name)) return store.find(name);
  const meanwhile = await knownAs(name, store); // another instance was quicker
  if (meanwhile) return meanwhile;
  throw new RouteRefusedError(
    name,
    `it was formerly "${formerly}", whose lanes somebody still holds; stop the dispatchers that run it under that name first`,
  );
}

async function reconcile(wanted: StoredRoute, stored: StoredRoute, store: RouteStore, wholeStreams: boolean): Promise<void> {
  if (stored.order !== wanted.order) {
    throw new RouteRefusedError(
      wanted.name,
      `it runs with order "${stored.order}" and cannot become "${wanted.order}", for its lanes' places would mean nothing; give the new order a new route name`,
    );
  }
  if (fingerprint(stored.selection) === fingerprint(wanted.selection)) return;
  if (wholeStreams) {
    throw new RouteRefusedError(
      wanted.name,
      'its `streams` changed, and streams that it takes now would lack the messages it has passed; give the new selection a new route name',
    );
  }
  await store.save(wanted);
}

const fingerprint = ({ types, streams }: Selection): string => JSON.stringify([types && [...types].sort(), streams && [...streams].sort()]);
