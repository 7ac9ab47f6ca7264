import type { Database } from '../database.js';
import type { Message } from '../message/message.js';
import type { Reached } from '../moment.js';
import { systemClock } from '../clock.js';
import type { Clock } from '../clock.js';
import type { Scope } from '../unit-of-work/scope.js';
import type { JoinedReceipt, RunOptions, UnitOfWork } from '../unit-of-work/unit-of-work.js';
import type { InboxClaim } from './inbox-store.js';

export interface InboxOptions<Tx> {
  readonly database: Pick<Database<Tx>, 'inbox'>;
  readonly unitOfWork: UnitOfWork<NoInfer<Tx>>;
  readonly clock?: Clock;
  readonly reached?: Reached;
}

export interface OnceOptions {
  /** The handler's durable name. */
  readonly handler: string;
  /** Route or subscription that the message came by. */
  readonly source: string;
  /** What the claim is made under. Default: the message's id. */
  readonly claimId?: string;
  /** The lane that it came by, where lanes and inbox are of one database: a process that has lost the lane commits nothing. */
  readonly lane?: InboxClaim['lane'];
  readonly signal?: AbortSignal;
}

/**
 * Makes a handler's database effects happen once per message, however often it arrives: the idempotent consumer.
 *
 * Claim, effects and outgoing messages are one transaction, and a concurrent duplicate waits for it. Effects outside the database
 * are not covered: see two-step handlers.
 */
export class Inbox<Tx = unknown> {
  readonly #options: InboxOptions<Tx>;

  constructor(options: InboxOptions<Tx>) {
    this.#options = options;
  }

  /**
   * Runs `handle` unless the handler has handled the message. What it throws rolls back and leaves the claim free.
   *
   * @throws {@link LeaseLostError} the lane is another process's by now; nothing was committed
   */
  async once(
    message: Message,
    { handler, source, claimId = message.id, lane, signal }: OnceOptions,
    handle: (scope: Scope<Tx>) => Promise<void>,
  ): Promise<'handled' | 'duplicate'> {
    const { database, unitOfWork, clock = systemClock, reached } = this.#options;
    const claim = { handler, messageId: claimId, source, firstAttemptAt: clock.now(), ...(lane && { lane }) };
    const { result } = await unitOfWork.run<'handled' | 'duplicate'>(
      async (scope) => {
        if (!(await database.inbox.claim(claim, scope.tx))) return 'duplicate';
        await reached?.('claimed');
        await handle(scope);
        await reached?.('handled');
        return 'handled';
      },
      { ...carriedOn(message), retryOnConflict: 3, ...(signal && { signal }) },
    );
    return result;
  }

  /** Runs `handle` in a transaction that somebody else has opened, without a claim: who opened it sees to it that it happens once. */
  async within(
    tx: Tx,
    message: Message,
    signal: AbortSignal,
    handle: (scope: Scope<Tx>) => Promise<void>,
  ): Promise<Pick<JoinedReceipt<void>, 'committed'>> {
    return this.#options.unitOfWork.join(tx, handle, { ...carriedOn(message), signal });
  }

  /** A look ahead: true when the handler's effects for this message are committed. Within a transaction pass it. */
  async handled(handler: string, messageId: string, tx?: NoInfer<Tx>): Promise<boolean> {
    return this.#options.database.inbox.claimed(handler, messageId, tx);
  }
}

// What a handler sends belongs to the same conversation and trace; other metadata of the message is its own.
function carriedOn({ id, metadata: { correlationId, traceparent } }: Message): RunOptions {
  return { correlationId, causationId: id, metadata: traceparent === undefined ? {} : { traceparent } };
}
