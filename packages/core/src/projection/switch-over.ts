import type { Database } from '../database.js';
import type { Reached } from '../moment.js';
import type { StoredSubscription } from '../subscription/subscription-store.js';
import { afterConflicts } from '../unit-of-work/after-conflicts.js';
import type { AfterConflictsOptions } from '../unit-of-work/after-conflicts.js';
import { subscriptionOf } from './generation.js';
import type { Generation } from './generation.js';

export interface SwitchOverOptions<Tx> extends Generation<Tx>, AfterConflictsOptions {
  readonly database: Pick<Database<Tx>, 'transactions' | 'projections' | 'subscriptions'>;
  readonly reached: Reached | undefined;
}

const CONFLICTS = 5;

/**
 * Makes a rebuilt generation the live one, in one transaction, if it has all that the live one has: who has read something there reads
 * it here. The live one can move on until then and not meanwhile, for its place is locked; and not after, for its subscription is removed.
 *
 * @returns `behind`: not yet. `gone`: it is not being built any more.
 */
export function switchOver<Tx>(options: SwitchOverOptions<Tx>): Promise<'switched' | 'behind' | 'gone'> {
  return afterConflicts(CONFLICTS, () => inOneTransaction(options), options);
}

function inOneTransaction<Tx>({ projector, generation, database, reached, signal }: SwitchOverOptions<Tx>) {
  const { transactions, projections, subscriptions } = database;
  const { name } = projector;
  return transactions.run(async (tx): Promise<'switched' | 'behind' | 'gone'> => {
    const { live, rebuilding } = (await projections.find(name, tx)) ?? {};
    if (live === generation) return 'switched'; // by a commit whose answer was lost
    if (live === undefined || rebuilding !== generation) return 'gone';
    // The live one first, which locks it: what it has committed by now is all that it ever will.
    const replaced = await subscriptions.find(subscriptionOf(name, live), tx);
    const own = await subscriptions.find(subscriptionOf(name, generation), tx);
    if (!own) return 'gone';
    if (replaced?.lastMessage !== undefined && !hasLostItsLog(replaced) && (own.position ?? -1n) < replaced.lastMessage) return 'behind';

    if (!(await projections.switchTo(name, generation, tx))) return 'gone';
    await projector.activate?.({ tx, generation });
    await subscriptions.remove(subscriptionOf(name, live), tx);
    await reached?.('switching');
    return 'switched';
  }, signal);
}

/** What it had done beyond the end of the log is there no more: nobody will ever have all of it. */
const hasLostItsLog = ({ state, failure }: StoredSubscription): boolean => state === 'stopped' && failure?.code === 'EVENT_LOG_BEHIND';
