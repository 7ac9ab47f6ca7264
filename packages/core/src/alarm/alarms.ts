import { hostname } from 'node:os';
import { systemClock } from '../clock.js';
import type { Clock } from '../clock.js';
import type { DispatcherEvent } from '../dispatcher/dispatcher-events.js';
import { InvalidOptionsError } from '../errors.js';
import { silentLogger } from '../logger.js';
import type { Logger } from '../logger.js';
import type { Alarm, Finding } from './alarm.js';
import { alarmOf, endedBy } from './alarm-of.js';
import type { Ending } from './alarm-of.js';
import type { Notifier } from './notifier.js';
import { Outgoing } from './outgoing.js';
import type { Told } from './outgoing.js';

export interface AlarmOptions {
  /** How long one and the same alarm is not told again, in milliseconds. Default 3,600,000, an hour. */
  readonly repeatAfterMs?: number;
  /** Most alarms that a notifier gets within a minute; one more sums up the rest. Default 20. */
  readonly perMinute?: number;
  /** Most alarms that wait for a notifier; what comes on top is summed up. Default 100. */
  readonly queued?: number;
  /** How often a notifier is tried with one alarm, with pauses of a second at first and a minute at last. Default 8: about two minutes. */
  readonly tries?: number;
  /** How long a notifier may take for one try, in milliseconds. Default 10,000. */
  readonly sendWithinMs?: number;
}

export interface AlarmsOptions extends AlarmOptions {
  readonly notifiers: readonly Notifier[];
  /** Name of this process or dispatcher, told with each alarm. Default: host name and process id. */
  readonly instance?: string;
  readonly clock?: Clock;
  /** 0 (inclusive) to 1 (exclusive), for the jitter of pauses. */
  readonly random?: () => number;
  /** Hears of alarms that no notifier took. */
  readonly logger?: Logger;
}

interface Known {
  readonly finding: Finding;
  toldAt: number;
  repeats: number;
  readonly offers: { readonly outgoing: Outgoing; told: Told | undefined }[];
}

/** More troubles at a time are not kept apart: the oldest are forgotten, and would be told again. */
const MOST_KNOWN = 10_000;

/**
 * Between those who find something wrong and those who tell people: tells one and the same trouble once, and again after a time; tells when
 * it is over; never throws, and lets nobody wait.
 *
 * What is known is known to this process: two processes that find the same trouble tell it twice, with the same key.
 */
export class Alarms {
  readonly #repeatAfterMs: number;
  readonly #clock: Clock;
  readonly #instance: string;
  readonly #outgoing: readonly Outgoing[];
  readonly #known = new Map<string, Known>();
  #stopped: Promise<void> | undefined;

  /** @throws {@link InvalidOptionsError} a number that cannot work, or a notifier that is none */
  constructor(options: AlarmsOptions) {
    const { clock = systemClock, random = Math.random, logger = silentLogger } = options;
    const { repeatAfterMs = 3_600_000, perMinute = 20, queued = 100, tries = 8, sendWithinMs = 10_000 } = options;
    for (const [name, value, least] of [
      ['repeatAfterMs', repeatAfterMs, 0],
      ['perMinute', perMinute, 1],
      ['queued', queued, 1],
      ['tries', tries, 1],
      ['sendWithinMs', sendWithinMs, 1],
    ] as const) {
      if (!(value >= least)) throw new InvalidOptionsError(`alarms.${name} is ${value}; it must be at least ${least}.`);
    }
    if (options.notifiers.some((notifier) => typeof (notifier as Partial<Notifier> | undefined)?.notify !== 'function'))
      throw new InvalidOptionsError('One of the notifiers has no method `notify`: it could tell nobody.');
    this.#repeatAfterMs = repeatAfterMs;
    this.#clock = clock;
    this.#instance = options.instance ?? `${hostname()}:${process.pid}`;
    const raised = (finding: Finding): Alarm => ({ ...finding, state: 'raised', instance: this.#instance, repeats: 0 });
    this.#outgoing = options.notifiers.map(
      (notifier) => new Outgoing({ notifier, clock, random, logger, perMinute, queued, tries, sendWithinMs, raised }),
    );
  }

  /** Tells it, unless the same was told within `repeatAfterMs`; another message at the same place is not the same. */
  raise(finding: Finding): void {
    if (this.#stopped) return;
    const known = this.#known.get(finding.key);
    const isTheSame = known?.finding.kind === finding.kind && known.finding.message?.id === finding.message?.id;
    const toldAt = this.#clock.monotonic();
    if (isTheSame && toldAt - known.toldAt < this.#repeatAfterMs) {
      known.repeats++;
      return;
    }
    this.#tell(finding, isTheSame ? known.repeats : 0, toldAt);
  }

  /** It is over: tells that to whom it was told, and forgets it. */
  settle(key: string): void {
    const known = this.#known.get(key);
    if (!known || this.#stopped) return;
    this.#known.delete(key);
    const alarm = this.#resolved(known);
    for (const { outgoing, told } of known.offers) {
      if (told !== 'failed' && told !== 'held-back') void outgoing.offer(alarm);
    }
  }

  /** Raises and settles what a dispatcher's event has to tell. Most have nothing. */
  hear(told: DispatcherEvent): void {
    for (const ending of endedBy(told)) this.#end(ending);
    const finding = alarmOf(told, this.#clock.now());
    if (finding) this.raise(finding);
  }

  /** Takes no more, sends what waits, and gives up the rest after `withinMs`. Idempotent. */
  stop(withinMs = 5_000): Promise<void> {
    this.#stopped ??= this.#flush(withinMs);
    return this.#stopped;
  }

  #end({ key, messageId, how }: Ending): void {
    const known = this.#known.get(key);
    if (!known || (messageId !== undefined && known.finding.message?.id !== messageId)) return;
    if (how === 'over') this.settle(key);
    else known.toldAt = -Infinity;
  }

  #tell(finding: Finding, repeats: number, toldAt: number): void {
    const alarm: Alarm = { ...finding, state: 'raised', instance: this.#instance, repeats };
    const known: Known = { finding, toldAt, repeats: 0, offers: this.#outgoing.map((outgoing) => ({ outgoing, told: undefined })) };
    this.#remember(finding.key, known);
    const answers = known.offers.map(async (offer) => (offer.told = await offer.outgoing.offer(alarm)));
    void Promise.all(answers).then((told) => {
      // Nobody knows of it: whoever finds it next may try again.
      if (told.every((answer) => answer === 'failed') && this.#known.get(finding.key) === known) this.#known.delete(finding.key);
    });
  }

  #remember(key: string, known: Known): void {
    this.#known.delete(key); // the newest goes to the end
    this.#known.set(key, known);
    if (this.#known.size > MOST_KNOWN) this.#known.delete(this.#known.keys().next().value!);
  }

  #resolved({ finding, repeats }: Known): Alarm {
    const over = this.#clock.now();
    const tookMs = Math.max(0, over.getTime() - finding.since.getTime());
    const text = `It began at ${finding.since.toISOString()} and is over after ${durationOf(tookMs)}.`;
    return { ...finding, title: `Over: ${finding.title}`, text, state: 'resolved', instance: this.#instance, repeats };
  }

  async #flush(withinMs: number): Promise<void> {
    const cancel = this.#clock.after(withinMs, () => {
      for (const outgoing of this.#outgoing) outgoing.cut();
    });
    await Promise.all(this.#outgoing.map((outgoing) => outgoing.flush()));
    cancel();
  }
}

/** For people: in the largest unit of which there is more than one. */
function durationOf(ms: number): string {
  if (ms < 120_000) return `${Math.round(ms / 1_000)} s`;
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`;
  return `${Math.round(ms / 3_600_000)} h`;
}
