import type { Alarm } from './alarm.js';

/**
 * Tells people: a chat, a mailbox, a pager.
 *
 * Whoever calls it does so in the background, tries again when it fails, and waits for nothing that it does.
 */
export interface Notifier {
  /**
   * Resolves when the other side has taken the alarm.
   *
   * @param signal - aborts when the time for this try is over; what goes on after that counts as failed, and is tried again
   * @throws anything: it is tried again after a pause; of a {@link NotificationFailedError} the pause may be asked for, or no further try be made
   */
  notify(alarm: Alarm, signal: AbortSignal): Promise<void>;
}
