import { UUID } from 'bson';
import type { Document } from 'bson';
import type { SendOptions } from './raw-connection.js';

/** What carries commands to the server: one connection, or a pool of them. */
export interface Runner {
  run(db: string, command: Document, options?: SendOptions): Promise<Document>;
}

/** A logical session: its id, and the numbers of its transactions and retryable writes. Bound to no connection, as a server has it. */
export class RawSession {
  readonly lsid: Document;
  #lastNumber = 0n;

  constructor(
    private readonly runner: Runner,
    readonly db: string,
    lsid: Document = { id: new UUID() },
  ) {
    this.lsid = lsid;
  }

  get lastNumber(): bigint {
    return this.#lastNumber;
  }

  /** The number that the next transaction or retryable write is to have. */
  nextNumber(): bigint {
    return (this.#lastNumber += 1n);
  }

  /** The same session through another connection. */
  on(runner: Runner): RawSession {
    return new RawSession(runner, this.db, this.lsid);
  }

  /** A command of this session, outside a transaction. */
  run(command: Document, { db = this.db, ...options }: SendOptions & { readonly db?: string } = {}): Promise<Document> {
    return this.runner.run(db, { ...command, lsid: this.lsid }, options);
  }

  /** A retryable write; the same number again is a retry. */
  write(command: Document, txnNumber: bigint = this.nextNumber()): Promise<Document> {
    return this.run({ ...command, txnNumber });
  }

  /** A transaction that opens at its first command. */
  transaction(txnNumber: bigint = this.nextNumber()): RawTransaction {
    return new RawTransaction(this, txnNumber);
  }
}

/** A transaction as a driver drives it: the first command opens it, the end goes to `admin`. */
export class RawTransaction {
  #opened = false;

  constructor(
    readonly session: RawSession,
    readonly txnNumber: bigint,
  ) {}

  run(command: Document, options: SendOptions & { readonly db?: string } = {}): Promise<Document> {
    const opening = this.#opened ? {} : { startTransaction: true };
    this.#opened = true;
    return this.session.run({ ...command, txnNumber: this.txnNumber, autocommit: false, ...opening }, options);
  }

  /** Says `startTransaction` again at the next command. */
  reopen(): void {
    this.#opened = false;
  }

  commit(fields: Document = {}): Promise<Document> {
    return this.#end({ commitTransaction: 1, ...fields });
  }

  abort(fields: Document = {}): Promise<Document> {
    return this.#end({ abortTransaction: 1, ...fields });
  }

  #end(command: Document): Promise<Document> {
    return this.session.run({ ...command, txnNumber: this.txnNumber, autocommit: false }, { db: 'admin' });
  }
}
