import { hostname } from 'node:os';
import { v4 as randomUuid } from 'uuid';
import { systemClock } from '../clock.js';
import type { Clock } from '../clock.js';
import type { Database } from '../database.js';
import type { RetryOptions } from '../backoff.js';
import { isPlainText } from '../plain-text.js';
import { InvalidOptionsError } from '../errors.js';
import { silentLogger } from '../logger.js';
import type { Logger } from '../logger.js';
import type { Reached } from '../moment.js';
import type { EventLog } from './event-log.js';
import type { FollowerEvent } from './follower-events.js';
import type { Following } from './following.js';
import type { SubscriptionProgress } from './subscription-store.js';

export interface FollowerOptions<Tx> {
  /** Durable name: the position is stored under it. */
  readonly subscription: string;
  readonly log: EventLog;
  /** Where the position is stored, and transactions move it on. */
  readonly database: Pick<Database<Tx>, 'subscriptions' | 'transactions'>;
  readonly following: Following<Tx>;
  /** Where a subscription that is not known yet begins. Default `beginning`. */
  readonly start?: 'beginning' | 'now' | undefined;
  /** Name of this process among the holders. Default: host, process id and something random. */
  readonly instance?: string | undefined;
  /** How long the lease holds without being renewed, in milliseconds, 300 to a day. Default 10,000. Orders are seen every third of it. */
  readonly leaseMs?: number | undefined;
  /** How long `stop` waits for what is under way before it is cut short, in milliseconds. Default 10,000. */
  readonly stopWithinMs?: number | undefined;
  /** Tries of one message, and the waits between tries of anything. As of a route: 10 tries, 200 to 30,000 ms. */
  readonly retry?: RetryOptions | undefined;
  /** A log that hands out nothing, not even that nothing is there, for so many milliseconds is followed anew. Default 60,000. */
  readonly silenceMs?: number | undefined;
  readonly clock?: Clock | undefined;
  /** 0 (inclusive) to 1 (exclusive), for jitter. */
  readonly random?: (() => number) | undefined;
  readonly logger?: Logger | undefined;
  readonly reached?: Reached | undefined;
  readonly on?: ((event: FollowerEvent) => void) | undefined;
  /**
   * Awaited under the lease, outside any transaction, when all that is there is handled and the position stored: `progress` is as stored. It
   * is called again, about once a second while the log stays caught up and nothing arrives, until it answers `done`. What it throws is
   * told, and waited out like the database's trouble.
   */
  readonly whenCaughtUp?: ((progress: SubscriptionProgress, signal: AbortSignal) => Promise<'done' | 'again'>) | undefined;
}

type Defaulted = 'start' | 'instance' | 'leaseMs' | 'stopWithinMs' | 'retry' | 'silenceMs' | 'clock' | 'random' | 'logger' | 'on';

/** Options as they will be used. */
export type CompleteFollowerOptions<Tx> = FollowerOptions<Tx> & {
  readonly [Name in Defaulted]-?: NonNullable<FollowerOptions<Tx>[Name]>;
};

const A_DAY_MS = 24 * 60 * 60 * 1_000;
const MOST_NAME_BYTES = 200;

/** A name of this process that no other has. */
export const anInstance = (): string => `${hostname()}:${process.pid}:${randomUuid().slice(0, 8)}`;

/** @throws {@link InvalidOptionsError} they cannot work */
export function completeFollowerOptions<Tx>(options: FollowerOptions<Tx>): CompleteFollowerOptions<Tx> {
  const complete = {
    ...options,
    start: options.start ?? 'beginning',
    instance: options.instance ?? anInstance(),
    leaseMs: options.leaseMs ?? 10_000,
    stopWithinMs: options.stopWithinMs ?? 10_000,
    retry: options.retry ?? {},
    silenceMs: options.silenceMs ?? 60_000,
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random,
    logger: options.logger ?? silentLogger,
    on: heardBy(options),
  } as const;
  const { subscription, instance, start, following } = complete;
  if (!isPlainText(subscription) || Buffer.byteLength(subscription) > MOST_NAME_BYTES)
    throw new InvalidOptionsError(
      `A subscription needs a name of 1 to ${MOST_NAME_BYTES} bytes, without NUL and half surrogate pairs: its place is kept under it. It is ${JSON.stringify(subscription)?.slice(0, 80)}.`,
    );
  if (!isPlainText(instance))
    throw new InvalidOptionsError(`instance is ${JSON.stringify(instance)}; it must be text that every database keeps, and not empty.`);
  if (start !== 'beginning' && start !== 'now')
    throw new InvalidOptionsError(`start "${String(start)}" does not exist; choose "beginning" or "now".`);
  refuseOutside('leaseMs', complete.leaseMs, 300, A_DAY_MS);
  refuseOutside('silenceMs', complete.silenceMs, 1, A_DAY_MS);
  refuseOutside('mostAtOnce', following.mostAtOnce, 1, 10_000);
  checkPatience(complete);
  return complete;
}

/** @throws {@link InvalidOptionsError} */
export function checkPatience({ retry = {}, stopWithinMs = 0 }: Pick<FollowerOptions<unknown>, 'retry' | 'stopWithinMs'>): void {
  refuseOutside('stopWithinMs', stopWithinMs, 0, A_DAY_MS);
  for (const [name, value] of Object.entries(retry) as [string, number | undefined][])
    if (value !== undefined) refuseOutside(`retry.${name}`, value, 1, name === 'attempts' ? Infinity : A_DAY_MS);
}

/** A listener that throws stops nothing. */
function heardBy<Tx>({ on, logger = silentLogger }: FollowerOptions<Tx>): (event: FollowerEvent) => void {
  return (event) => {
    try {
      on?.(event);
    } catch (error) {
      logger.error({ error, name: event.name }, 'A listener of a subscription threw');
    }
  };
}

function refuseOutside(name: string, value: unknown, least: number, most: number): void {
  if (typeof value === 'number' && value >= least && value <= most) return;
  throw new InvalidOptionsError(`${name} is ${String(value)}; it must be a number from ${least} to ${most}.`);
}
