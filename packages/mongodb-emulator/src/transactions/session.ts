import type { Document, Long } from 'bson';
import { CODES, ServerError } from '../server-error.js';
import type { Tick } from '../store/cluster-time.js';
import type { Store } from '../store/store.js';
import { StatementRecords } from './statement-records.js';
import { Transaction } from './transaction.js';

/** A client's session: its transaction, or its latest retryable write. Numbers only go up. */
export class Session {
  #number = -1;
  #transaction: Transaction | undefined;
  #statements: StatementRecords | undefined;
  /** The command with a transaction number that is being executed: others wait, as a session is one command's at a time. */
  running: Promise<unknown> | undefined;

  constructor(
    readonly lsid: Document,
    private readonly store: Store,
    private readonly lifetimeMs: number,
  ) {}

  /** @param at - the snapshot, if it is not to be of now. @throws ServerError 117 or 225 */
  startTransaction(txnNumber: Long, at?: Tick): Transaction {
    const number = this.#checkNotOld(txnNumber);
    if (number === this.#number) {
      throw new ServerError(
        CODES.ConflictingOperationInProgress,
        `Cannot start a transaction at given transaction number ${number}: a transaction or retryable write with the same number was there before`,
      );
    }
    this.#advance(number);
    const { store, lsid, lifetimeMs } = this;
    this.#transaction = new Transaction({ store, lsid, txnNumber, lifetimeMs, at: at ?? store.clusterTime.tick });
    return this.#transaction;
  }

  /** The transaction that a later command goes on with. @throws ServerError 225 or 251 */
  transaction(txnNumber: Long): Transaction {
    const number = this.#checkNotOld(txnNumber);
    if (number === this.#number && this.#transaction) return this.#transaction;
    throw new ServerError(
      CODES.NoSuchTransaction,
      `Given transaction number ${number} does not match any in-progress transactions. The active transaction number is ${this.#number}`,
    );
  }

  /** The records of the retryable write with this number. @throws ServerError 217 or 225 */
  statements(txnNumber: Long): StatementRecords {
    const number = this.#checkNotOld(txnNumber);
    if (number > this.#number) this.#advance(number);
    else if (this.#transaction) {
      throw new ServerError(
        CODES.IncompleteTransactionHistory,
        `Cannot run a retryable write with txnNumber ${number}: a transaction of this session has the same number`,
      );
    }
    return (this.#statements ??= new StatementRecords(this.store.isolation));
  }

  abortTransaction(): void {
    this.#transaction?.abort();
  }

  fallBackTo(to: Tick): void {
    this.#transaction?.fallBackTo(to);
    this.#statements?.forgetAfter(to);
  }

  /** A newer number ends what is there; an open transaction silently. */
  #advance(number: number): void {
    this.abortTransaction();
    this.#number = number;
    this.#transaction = undefined;
    this.#statements = undefined;
  }

  #checkNotOld(txnNumber: Long): number {
    const number = Number(txnNumber);
    if (number >= this.#number) return number;
    throw new ServerError(
      CODES.TransactionTooOld,
      `Cannot start transaction with { txnNumber: ${number} } because a newer transaction with txnNumber ${this.#number} has already started on this session.`,
    );
  }
}
