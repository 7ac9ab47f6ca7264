import { hostname } from 'node:os';
import { v4 as randomUuid } from 'uuid';
import type { AlarmOptions } from '../alarm/alarms.js';
import type { Patience } from '../alarm/conditions.js';
import type { Notifier } from '../alarm/notifier.js';
import { systemClock } from '../clock.js';
import type { Clock } from '../clock.js';
import type { Database } from '../database.js';
import { InvalidOptionsError } from '../errors.js';
import { silentLogger } from '../logger.js';
import type { Logger } from '../logger.js';
import type { MessageDefinition } from '../message/definition.js';
import type { Reached } from '../moment.js';
import { isPlainText } from '../plain-text.js';
import type { RouteOptions } from './route.js';
import type { Witness } from './witness/witness.js';

export interface DispatcherOptions<RouteName extends string = string> {
  readonly database: Database;
  readonly catalogue: readonly MessageDefinition[];
  readonly routes: Readonly<Record<RouteName, RouteOptions>>;
  /** Name of this instance in leases and events. Default: host name, process id and a random part. */
  readonly instance?: string;
  /** How long a lane stays with a process that is gone, in milliseconds. Default 10,000; 300 to 86,400,000, a day. */
  readonly leaseMs?: number;
  /** Longest pause between two renewals of a lease, in milliseconds; at most half of `leaseMs`. Default a third of it. */
  readonly heartbeatMs?: number;
  /** Longest pause between two looks for messages that no wake-up announced, and for lanes to take, in milliseconds. Default 1,000. */
  readonly pollMs?: number;
  /** How long `stop` waits for the batch in flight before it cuts it short, in milliseconds. Default 10,000. */
  readonly stopWithinMs?: number;
  /**
   * How long messages stay in the outbox that every route is done with, in milliseconds. Default for ever: without an event store they are
   * the only history.
   */
  readonly keepMessagesMs?: number;
  /** How long it is kept what was tried when, and what came of it, in milliseconds. Default 7 days; 0: nothing is written down. */
  readonly keepHistoryMs?: number;
  /**
   * How long the inbox remembers claims that no removed message proves to be over, in milliseconds, at least 60,000: those on what arrived from
   * elsewhere. What comes once more after that is handled once more. Default for ever. Claims on messages of this outbox go soon after these.
   */
  readonly keepClaimsMs?: number;
  /** How often this instance looks for what can be removed, in milliseconds. Default 60,000. */
  readonly removeEveryMs?: number;
  /** How often `route-status` is told, in milliseconds. Default 30,000. */
  readonly reportEveryMs?: number;
  /**
   * Remembers the outbox outside the database, so that a restored or cloned one is noticed: `eventstore.witness`. Without one, only a name,
   * or what the database itself can tell. A witness that cannot be asked keeps a dispatcher from starting, and not from going on.
   */
  readonly witness?: Witness;
  /** How often the outbox is compared with its witness, in milliseconds: a restore to a moment since the last time is not noticed. Default 60,000. */
  readonly witnessEveryMs?: number;
  /** Who is told when a person has to do something, or everybody who is. Default nobody: the logger hears of it anyway. */
  readonly notify?: Notifier | readonly Notifier[];
  /** How often `notify` is told, and how long trouble has to last. */
  readonly alarms?: AlarmOptions & Partial<Patience>;
  readonly logger?: Logger;
  readonly clock?: Clock;
  /** 0 (inclusive) to 1 (exclusive), for jitter. */
  readonly random?: () => number;
  /** Awaited at named moments; `CrashPoints` of `@waybill/testing` plugs in here. */
  readonly reached?: Reached;
}

type Defaulted =
  | 'instance'
  | 'leaseMs'
  | 'heartbeatMs'
  | 'pollMs'
  | 'stopWithinMs'
  | 'keepMessagesMs'
  | 'keepHistoryMs'
  | 'keepClaimsMs'
  | 'removeEveryMs'
  | 'reportEveryMs'
  | 'witnessEveryMs'
  | 'logger'
  | 'clock'
  | 'random';

/** Options as they will be used. */
export type CompleteOptions<RouteName extends string> = DispatcherOptions<RouteName> &
  Required<Pick<DispatcherOptions<RouteName>, Defaulted>>;

const A_DAY_MS = 24 * 60 * 60 * 1_000;
const A_WEEK_MS = 7 * A_DAY_MS;

/** @throws {@link InvalidOptionsError} times that cannot work, each or together */
export function completeOptions<RouteName extends string>(options: DispatcherOptions<RouteName>): CompleteOptions<RouteName> {
  const { leaseMs = 10_000 } = options;
  const complete = {
    instance: `${hostname()}:${process.pid}:${randomUuid().slice(0, 8)}`,
    heartbeatMs: leaseMs / 3,
    ...{
      pollMs: 1_000,
      stopWithinMs: 10_000,
      keepMessagesMs: Infinity,
      keepHistoryMs: A_WEEK_MS,
      keepClaimsMs: Infinity,
      removeEveryMs: 60_000,
      reportEveryMs: 30_000,
      witnessEveryMs: 60_000,
    },
    ...{ logger: silentLogger, clock: systemClock, random: Math.random },
    ...definedIn(options),
    leaseMs,
  };
  const { heartbeatMs, instance } = complete;
  if (!isPlainText(instance))
    throw new InvalidOptionsError(
      `instance is ${JSON.stringify(instance)}; it must be text that every database keeps: not empty, without NUL and half surrogate pairs.`,
    );
  const least = {
    leaseMs: 300,
    heartbeatMs: 1,
    pollMs: 1,
    stopWithinMs: 0,
    keepMessagesMs: 0,
    keepHistoryMs: 0,
    keepClaimsMs: 60_000,
    removeEveryMs: 1,
    reportEveryMs: 1,
    witnessEveryMs: 1,
  };
  const forEver = ['keepMessagesMs', 'keepHistoryMs', 'keepClaimsMs'];
  for (const [name, floor] of Object.entries(least) as [keyof typeof least, number][]) {
    const value = complete[name];
    if (typeof value !== 'number' || !(value >= floor) || (value === Infinity && !forEver.includes(name)))
      throw new InvalidOptionsError(
        `${name} is ${String(value)}; it must be at least ${floor} milliseconds${forEver.includes(name) ? ', or Infinity' : ''}.`,
      );
  }
  if (leaseMs > A_DAY_MS)
    throw new InvalidOptionsError(
      `leaseMs is ${leaseMs}, more than a day (${A_DAY_MS}): so long would lanes stay with a process that is gone. Lower it.`,
    );
  if (heartbeatMs > leaseMs / 2)
    throw new InvalidOptionsError(
      `heartbeatMs is ${heartbeatMs}, more than half of leaseMs (${leaseMs}): one renewal that comes late would lose every lane. Lower heartbeatMs, or raise leaseMs.`,
    );
  return complete as CompleteOptions<RouteName>;
}

/** An option that is given as `undefined` is not given. */
const definedIn = <Options extends object>(options: Options): Partial<Options> =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<Options>;
