import { CommitOutcomeUnknownError, DatabaseUnavailableError, isWaybillError } from '../errors.js';
import type { TransactionRunner } from './transaction-runner.js';

/** What work leaves behind that is to be found again, should the answer to its commit be lost. */
export interface Findable {
  /** As {@link OutboxStore.append} gave it; `undefined` where nothing was appended. */
  readonly transactionId: string | undefined;
}

/**
 * Runs work in one transaction, and resolves once it is known to be committed: where the answer to the commit is lost, it is looked up.
 *
 * @throws {@link DatabaseUnavailableError} it turned out to be rolled back
 * @throws {@link CommitOutcomeUnknownError} it could not be found out
 */
export async function knownCommit<Tx, Done extends Findable>(
  transactions: TransactionRunner<Tx>,
  work: (tx: Tx) => Promise<Done>,
  signal: AbortSignal | undefined,
): Promise<Done> {
  let done: Done | undefined;
  try {
    await transactions.run(async (tx) => {
      done = undefined; // the runner may have rolled a first try back
      done = await work(tx);
    }, signal);
  } catch (error) {
    if (!done || !isWaybillError(error, 'COMMIT_OUTCOME_UNKNOWN')) throw error;
    await findOut(transactions, error, done, signal);
  }
  return done!;
}

/** Returns when the transaction turns out to be committed after all. */
async function findOut<Tx>(
  transactions: TransactionRunner<Tx>,
  lost: CommitOutcomeUnknownError,
  { transactionId }: Findable,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (transactionId === undefined) throw lost;
  const outcome = await transactions.outcome(transactionId, signal);
  if (outcome === 'rolled-back')
    throw new DatabaseUnavailableError('the connection was lost while committing, and the transaction was rolled back', { cause: lost });
  if (outcome === 'unknown') throw new CommitOutcomeUnknownError(transactionId, { cause: lost });
}
