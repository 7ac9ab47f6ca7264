import { isPlainText } from '../plain-text.js';
import type { Database } from '../database.js';
import { InvalidOptionsError } from '../errors.js';
import type { CaseQuery, RecordedCase } from './case-store.js';

export interface CasesOptions<Tx> {
  readonly database: Pick<Database<Tx>, 'cases' | 'transactions'>;
  /** Who closes cases here, e.g. the person who is signed in. */
  readonly by: string;
}

/** What waits for a person: the list, and its end. */
export class Cases<Tx = unknown> {
  readonly #options: CasesOptions<Tx>;

  /** @throws {@link InvalidOptionsError} it is not said who closes them */
  constructor(options: CasesOptions<Tx>) {
    checkText('by', options.by, 'who closes cases here');
    this.#options = options;
  }

  /** Those that are open, the longest first; 100, when `most` (1 to 1,000) is not said. */
  open(query: Partial<Omit<CaseQuery, 'state'>> = {}): Promise<readonly RecordedCase[]> {
    return this.#find({ ...query, state: 'open' });
  }

  /** Those that were closed, with who closed them and why. */
  closed(query: Partial<Omit<CaseQuery, 'state'>> = {}): Promise<readonly RecordedCase[]> {
    return this.#find({ ...query, state: 'closed' });
  }

  /**
   * Closes a case, with what was done about it. It changes nothing else: a step of a process that is stuck is settled by `ProcessManagers`,
   * which closes its case too.
   *
   * @returns false when there is no such case, or it is closed already
   * @throws {@link InvalidOptionsError} there is no reason
   * @throws {@link DatabaseUnavailableError}, {@link CommitOutcomeUnknownError} it is safe to repeat
   */
  async close(id: string, reason: string): Promise<boolean> {
    const { database, by } = this.#options;
    checkPerson({ by, reason });
    return database.transactions.run((tx) => database.cases.close(id, { by, reason }, tx));
  }

  async #find(query: Partial<CaseQuery>): Promise<readonly RecordedCase[]> {
    const { most = 100 } = query;
    if (!Number.isInteger(most) || most < 1 || most > 1_000)
      throw new InvalidOptionsError(`most is ${most}; it must be a whole number from 1 to 1,000.`);
    return this.#options.database.cases.find({ ...query, most });
  }
}

/** @throws {@link InvalidOptionsError} it is not said who decides, or why */
export function checkPerson({ by, reason }: { readonly by: string; readonly reason: string }): void {
  checkText('by', by, 'who decides this');
  checkText('reason', reason, 'what was found out, or done');
}

function checkText(name: string, text: unknown, what: string): void {
  if (!isPlainText(text) || text.trim() === '')
    throw new InvalidOptionsError(`\`${name}\` is ${JSON.stringify(text)}; say ${what}: it is kept for whoever asks later.`);
}
