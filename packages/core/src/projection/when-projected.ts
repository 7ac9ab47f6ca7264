import type { Clock } from '../clock.js';
import type { Database } from '../database.js';
import type { WaitOptions } from '../dispatcher/when-delivered.js';
import type { EventLog } from '../subscription/event-log.js';
import { whenPassed } from '../subscription/when-passed.js';
import type { Projector } from '../unit-of-work/projector.js';
import type { ReceiptMessage } from '../unit-of-work/receipt.js';
import { subscriptionOf } from './generation.js';

export interface WhenProjectedOptions<Tx> extends WaitOptions {
  readonly projector: Projector<Tx>;
  readonly database: Pick<Database<Tx>, 'subscriptions'>;
  readonly log: EventLog;
  readonly clock: Clock;
  readonly live: () => Promise<number>;
}

/** Looks into the store until the live generation, whichever that becomes meanwhile, has passed the messages that it wants. */
export async function whenProjected<Tx>(
  messages: readonly ReceiptMessage[],
  { projector, database, log, live, ...options }: WhenProjectedOptions<Tx>,
): Promise<'caught-up' | 'not-selected'> {
  const isWanted = ({ stream, type }: ReceiptMessage): boolean =>
    log.selectsStream(stream) && (type === undefined || projector.events.some((event) => event.type === type));
  const wanted = messages.filter(isWanted);
  if (wanted.length === 0) return 'not-selected';
  const subscription = async (): Promise<string> => subscriptionOf(projector.name, await live());
  await whenPassed(wanted, { ...options, subscription, subscriptions: database.subscriptions });
  return 'caught-up';
}
