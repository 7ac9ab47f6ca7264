import type { CompleteOptions } from '../dispatcher/dispatcher-options.js';
import type { DispatcherEvent } from '../dispatcher/dispatcher-events.js';
import { Alarms } from './alarms.js';
import type { Notifier } from './notifier.js';
import { Watch } from './watch.js';

type WatchedAlarmsOptions = Pick<CompleteOptions<string>, 'alarms' | 'notify' | 'database' | 'clock' | 'random' | 'logger' | 'instance'>;

/**
 * What a dispatcher tells people from its start to its stop: what its events say, and what no event tells, which a watch finds. Where nobody
 * is to be told, nothing is heard or watched.
 */
export class WatchedAlarms {
  readonly #alarms: Alarms;
  readonly #watch: Watch;
  readonly #isHeard: boolean;

  /** @throws {@link InvalidOptionsError} a number that cannot work, or a notifier that is none */
  constructor({ alarms: options = {}, notify = [], database, clock, random, logger, instance }: WatchedAlarmsOptions) {
    const notifiers = Array.isArray(notify) ? (notify as readonly Notifier[]) : [notify as Notifier];
    this.#alarms = new Alarms({ ...options, notifiers, instance, clock, random, logger });
    this.#watch = new Watch({ ...options, database, alarms: this.#alarms, instance, clock, logger });
    this.#isHeard = notifiers.length > 0;
  }

  start(): void {
    if (this.#isHeard) this.#watch.start();
  }

  hear(event: DispatcherEvent): void {
    if (!this.#isHeard) return;
    this.#alarms.hear(event);
    this.#watch.hear(event);
  }

  async stop(): Promise<void> {
    if (!this.#isHeard) return;
    await this.#watch.stop();
    await this.#alarms.stop();
  }
}
