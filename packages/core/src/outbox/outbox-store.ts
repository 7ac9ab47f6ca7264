import type { StoredMessage } from '../message/stored-message.js';

/** A message on its way into a stream; the stream's head gives it its revision. */
export interface MessageToAppend extends Omit<StoredMessage, 'stream' | 'revision'> {
  /** The aggregate that emitted it; absent for messages that are no aggregate's events. */
  readonly aggregate?: { readonly type: string; readonly id: string };
}

export interface StreamAppend {
  readonly stream: string;
  /** {@link streamHash} of the stream. */
  readonly hash: number;
  /** Revision of the last committed message, `'no-stream'` for none, `'any'` to take the next whatever it is. */
  readonly expected: bigint | 'no-stream' | 'any';
  /** Take over a stream that only the event history knows: there must be no head, and the first message follows `expected`. */
  readonly adopt: boolean;
  /** In emission order; at least one. */
  readonly messages: readonly MessageToAppend[];
}

export interface Appended {
  /** To ask {@link TransactionRunner.outcome} with, should the answer to commit be lost. */
  readonly transactionId: string;
  /** Revision of the first message of each append, in the order given. */
  readonly firstRevisions: readonly bigint[];
}

export interface HeadAndTail {
  /** Revision of the stream's last committed message; `undefined` when the outbox has never had the stream. */
  readonly head: bigint | undefined;
  /**
   * Every row of the stream from the asked revision on that the outbox still has, delivered or not, by revision. One in whose place a sink
   * of whole streams has a placeholder has the type {@link SKIPPED_TYPE}.
   */
  readonly tail: readonly StoredMessage[];
}

/**
 * Holds committed messages, in order, until every route has delivered them.
 *
 * @typeParam Tx - the adapter's transaction handle
 */
export interface OutboxStore<Tx> {
  /**
   * Appends inside `tx`: moves the stream heads, all of them or none, and inserts the rows. Lanes see them only after `tx` commits.
   *
   * Two transactions that append to one stream: the second waits for the first, or one of them fails; never both succeed on the
   * same revision. After an error the transaction cannot commit.
   *
   * @param appends - streams, each at most once; an empty array is a no-op that still tells the transaction's id
   * @throws {@link ConcurrencyError} a stream is not where it was expected
   */
  append(appends: readonly StreamAppend[], tx: Tx): Promise<Appended>;

  /** Reads one stream's head, and its rows from revision `from` on, as one consistent look inside `tx`. */
  headAndTail(stream: string, from: bigint, tx: Tx): Promise<HeadAndTail>;
}
