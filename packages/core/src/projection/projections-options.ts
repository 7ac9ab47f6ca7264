import type { Clock } from '../clock.js';
import type { Database } from '../database.js';
import type { RetryOptions } from '../backoff.js';
import { InvalidOptionsError } from '../errors.js';
import type { Logger } from '../logger.js';
import { Catalogue } from '../message/catalogue.js';
import type { MessageDefinition } from '../message/definition.js';
import type { Reached } from '../moment.js';
import type { EventLog } from '../subscription/event-log.js';
import type { Projector } from '../unit-of-work/projector.js';
import { checkProjectionName } from './projection.js';

export interface ProjectionsOptions<Tx> {
  /** Where the read models are, and the places of the projections. */
  readonly database: Pick<Database<Tx>, 'projections' | 'subscriptions' | 'transactions'>;
  /** What is followed: `eventstore.subscribe(...)`. */
  readonly log: EventLog;
  /** The definitions of all events that the projections want. */
  readonly catalogue: readonly MessageDefinition[];
  /** Built with {@link projector}, or made of decorated classes with {@link projectorOf}. */
  readonly projections: readonly Projector<NoInfer<Tx>>[];
  /** Most events in one transaction, 1 to 10,000. Default 500. */
  readonly batchSize?: number;
  /** How long the tables of a generation that is no longer live stay for whoever still reads them, in milliseconds. Default 60,000. */
  readonly retireAfterMs?: number;
  /** Name of this process among those that follow. Default: host, process id and something random. */
  readonly instance?: string;
  /** How long a projection stays with a process that is gone, in milliseconds. Default 10,000. Orders and rebuilds are seen within a third of it. */
  readonly leaseMs?: number;
  /** Tries of one event, and the waits between tries of anything. As of a route: 10 tries, 200 to 30,000 ms. */
  readonly retry?: RetryOptions;
  /** A log that is silent for so long, in milliseconds, is followed anew. Default 60,000. */
  readonly silenceMs?: number;
  readonly logger?: Logger;
  readonly clock?: Clock;
  /** 0 (inclusive) to 1 (exclusive), for jitter. */
  readonly random?: () => number;
  /** Awaited at named moments; `CrashPoints` of `@waybill/testing` plugs in here. */
  readonly reached?: Reached;
}

/**
 * The catalogue of options that can work.
 *
 * @throws {@link InvalidOptionsError}
 */
export function checkedCatalogue<Tx>({ projections, catalogue, batchSize = 500, retireAfterMs = 0 }: ProjectionsOptions<Tx>): Catalogue {
  if (projections.length === 0) throw new InvalidOptionsError('There is no projection to follow anything with. Pass at least one.');
  if (!Number.isInteger(batchSize) || batchSize < 1 || batchSize > 10_000)
    throw new InvalidOptionsError(`batchSize is ${batchSize}; it must be a whole number from 1 to 10,000.`);
  if (!(retireAfterMs >= 0) || retireAfterMs === Infinity)
    throw new InvalidOptionsError(`retireAfterMs is ${retireAfterMs}; it must be 0 milliseconds or more, and not for ever.`);
  const known = new Catalogue(catalogue);
  const names = new Set<string>();
  for (const projector of projections) {
    if (typeof projector?.project !== 'function')
      throw new InvalidOptionsError(
        'One of the projections is no projector. Pass projectorOf(instance), or what projector(name).on(...) gave.',
      );
    const { name, events } = projector;
    checkProjectionName(name);
    if (names.has(name))
      throw new InvalidOptionsError(`Two projections are named "${name}". Their places would be one: give each a name of its own.`);
    names.add(name);
    if (events.length === 0) throw new InvalidOptionsError(`Projection "${name}" wants no event. Add .on(event, ...).`);
    const unknown = events.find(({ type }) => known.find(type)?.type !== type);
    if (unknown)
      throw new InvalidOptionsError(`Projection "${name}" wants ${unknown.type}, which is not in the catalogue. Add its definition there.`);
  }
  return known;
}
