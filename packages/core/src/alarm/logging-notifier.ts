import type { Logger } from '../logger.js';
import type { Alarm } from './alarm.js';
import type { Notifier } from './notifier.js';

/** Writes alarms to a log: raised ones as errors, resolved ones as information. */
export class LoggingNotifier implements Notifier {
  constructor(private readonly logger: Logger) {}

  async notify(alarm: Alarm): Promise<void> {
    if (alarm.state === 'resolved') this.logger.info({ alarm }, alarm.title);
    else this.logger.error({ alarm }, alarm.title);
  }
}
