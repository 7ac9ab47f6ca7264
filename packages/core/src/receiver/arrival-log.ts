import { systemClock } from '../clock.js';
import type { Clock } from '../clock.js';
import type { Database } from '../database.js';
import { InvalidOptionsError } from '../errors.js';
import { claimOfArrival } from '../inbox/claim-of-arrival.js';
import { Catalogue } from '../message/catalogue.js';
import type { MessageDefinition } from '../message/definition.js';
import type { Reached } from '../moment.js';
import type { StreamAppend } from '../outbox/outbox-store.js';
import { streamHash } from '../outbox/stream-hash.js';
import { afterConflicts } from '../unit-of-work/after-conflicts.js';
import { knownCommit } from '../unit-of-work/known-commit.js';
import type { Findable } from '../unit-of-work/known-commit.js';
import { arrivalOrder } from './arrival-order.js';
import type { ArrivalOrder, OrderOptions } from './arrival-order.js';
import type { ArrivedMessage } from './arrived-message.js';
import type { Intake, Taken, TakeOptions } from './intake.js';
import { receivedMessage } from './received-message.js';
import type { ReceivedMessage } from './received-message.js';
import { checkReceiverName } from './receiver-name.js';

export interface ArrivalLogOptions<Tx> extends OrderOptions {
  /** The receiver's durable name, 1 to 200 bytes: what it took is remembered under it. */
  readonly name: string;
  /**
   * Where arrivals are kept until they are handled: a database of their own, made by the same adapter with a schema (PostgreSQL) or a prefix
   * (MongoDB) of its own, and migrated. Not the application's outbox, whose routes would take arrivals for its own messages.
   */
  readonly database: Database<Tx>;
  /** All that may arrive; what is missing is refused, as is a payload that does not fit. */
  readonly catalogue: readonly MessageDefinition[];
  readonly clock?: Clock;
  /** 0 (inclusive) to 1 (exclusive), for jitter. */
  readonly random?: () => number;
  readonly reached?: Reached;
}

interface Stored extends Findable {
  readonly taken: Taken;
}

const TIMES_AFTER_CONFLICT = 3;

/**
 * Accepts durably what arrives, to be handled later: claim, message and arrival are one transaction.
 *
 * A {@link Dispatcher} over the same database, with a {@link HandlerSink} of `kind: 'inbox'` as its sink, handles the messages of a stream in
 * the order in which they were accepted, with leases, failure policies, redrive and retention as in any outbox. Messages are stored as they
 * arrived, under their own ids and in the sender's stream; their revision is the log's own, the sender's is in the metadata.
 *
 * A commit whose answer was lost is looked up, not guessed.
 */
export class ArrivalLog<Tx> implements Intake {
  readonly #options: ArrivalLogOptions<Tx>;
  readonly #catalogue: Catalogue;
  readonly #order: ArrivalOrder<Tx> | undefined;

  /** @throws {@link InvalidOptionsError} no name, an empty catalogue, or one with two definitions of one type */
  constructor(options: ArrivalLogOptions<Tx>) {
    const { name, database, catalogue } = options;
    checkReceiverName(name);
    this.#options = options;
    this.#catalogue = new Catalogue(catalogue);
    if (catalogue.length === 0)
      throw new InvalidOptionsError(`The catalogue of arrival log "${name}" is empty: list the definitions of all that may arrive.`);
    this.#order = arrivalOrder(options, database.arrivals, name);
  }

  async take(arrived: ArrivedMessage, { signal }: TakeOptions): Promise<Taken> {
    const { database, clock = systemClock, random = Math.random, reached } = this.#options;
    const received = receivedMessage(arrived, this.#catalogue);
    const append = appendOf(received);
    const firstAttemptAt = clock.now();
    const { taken } = await afterConflicts(
      TIMES_AFTER_CONFLICT,
      () => knownCommit(database.transactions, (tx) => this.#store(arrived, append, firstAttemptAt, tx), signal),
      { clock, random, signal },
    );
    if (taken === 'accepted') database.wakeUps.nudge('committed', [append.hash]);
    await reached?.('committed');
    return taken;
  }

  async #store(arrived: ArrivedMessage, append: StreamAppend, firstAttemptAt: Date, tx: Tx): Promise<Stored> {
    const { name, database, reached } = this.#options;
    const order = this.#order;
    const duplicate: Stored = { taken: 'duplicate', transactionId: undefined };
    const messageId = claimOfArrival(append.messages[0]!);
    const isKnown = (): Promise<boolean> => database.inbox.claimed(name, messageId, tx);
    const admitted = await order?.admit(arrived, isKnown, tx);
    if (admitted === 'duplicate') return duplicate;

    const isNew = await database.inbox.claim({ handler: name, messageId, source: arrived.source, firstAttemptAt }, tx);
    await reached?.('claimed');
    const appended = isNew ? await database.outbox.append([append], tx) : undefined;
    await reached?.('appended');
    await order?.record(arrived, tx, isNew ? admitted?.after : undefined); // also of a duplicate: it may have been accepted while order was not asked for
    return appended ? { taken: 'accepted', transactionId: appended.transactionId } : duplicate;
  }
}

function appendOf({ recorded, payload }: ReceivedMessage): StreamAppend {
  const { stream, revision: _sender, json: _parsed, ...message } = recorded;
  return { stream, hash: streamHash(stream), expected: 'any', adopt: false, messages: [{ ...message, payload }] };
}
