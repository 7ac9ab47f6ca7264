import type { DeliveryFailure } from '../errors.js';
import type { Logger } from '../logger.js';
import type { MessageDefinition } from '../message/definition.js';
import type { DomainEvent } from '../message/domain-event.js';
import type { OutboxMessage } from '../outbox/outbox-message.js';

/** Who delivers, and when to stop. */
export interface DeliveryContext {
  /** Aborts when the lane lost its lease or the dispatcher gives up waiting: stop as soon as possible. After a second nobody waits for the answer. */
  readonly signal: AbortSignal;
  readonly route: string;
  readonly lane: number;
  /**
   * What the route promises: order within each stream, so that streams may be delivered side by side, or one order of all messages, so that
   * the target may keep nothing of the batch behind a message that it did not keep.
   */
  readonly order: 'stream' | 'global';
  /** Grows with every change of holder: a target that remembers it can refuse what a frozen process sends late. */
  readonly epoch: bigint;
  /** 1, or more when the first message of the batch has failed before by its own fault. */
  readonly attempt: number;
  /**
   * True when an earlier try of these messages may have reached the target without anybody knowing what came of it: a process was gone in the
   * middle, or the outcome was unknown. False once a person has said to go on: then the message is to be sent. To go on
   * with one that was refused for good says nothing of what an earlier try may have done: it comes as a repeat, still.
   */
  readonly mayBeRepeat: boolean;
  /**
   * For a sink that asks for it ({@link Sink.tellsPrevious}): the revision of the message's stream that this route delivered last before it;
   * `undefined`: none. For the second and later messages of a stream in a batch it is the one before it in the batch.
   */
  readonly previous: (message: OutboxMessage) => bigint | undefined;
  readonly logger: Logger;
}

/** A message that a target's answer becomes, e.g. `PaymentDeclined`. Committed with the settlement of the message that was answered, or not at all. */
export interface Reply {
  /** Index in the batch of the message that was answered. */
  readonly to: number;
  /** As in {@link Scope.append}: messages of one key are delivered in order. */
  readonly orderingKey: string;
  readonly message: DomainEvent;
}

export interface Delivery {
  /** How many messages were accepted from the front of the batch. */
  readonly accepted: number;
  /** Indexes after the failed one that were accepted too (other streams, already in flight). They are delivered again. */
  readonly acceptedBeyond?: readonly number[];
  /** Set when `accepted < batch.length`: the sink's trouble, or the next message's. */
  readonly failure?: DeliveryFailure;
  /**
   * What answers became. Those of messages that do not count as accepted are dropped: these are delivered again, and answered again. One that
   * cannot be stored (no message of the batch, a type that is not in the dispatcher's catalogue, a payload that does not fit its schema or has
   * more than 1,000,000 bytes) is the sink's mistake: nothing counts as accepted.
   */
  readonly replies?: readonly Reply[];
  /**
   * True where the message that failed may have reached the target all the same: a call was answered, and what was to be committed after it was
   * not. It comes again with `mayBeRepeat`, whatever its failure is. Default false; an unknown outcome is in doubt by itself.
   */
  readonly inDoubt?: boolean;
  /** What the target answered to the accepted ones, for the delivery history: a status, a receipt. Kept up to 1,000 characters. */
  readonly answer?: string;
}

/**
 * Delivers messages, in the order given, to one external target.
 *
 * Called by several lanes side by side; within a lane one batch after another. A message is accepted when the target keeps it
 * durably. Delivery is at least once: after a crash the same messages come again, with the same ids.
 */
export interface Sink {
  /**
   * Resolves with how long a prefix was accepted and, when it is not all, why the next message was not. Nothing of a stream may be
   * accepted behind a message of it that was not. What it rejects with counts as the sink's trouble.
   */
  deliver(batch: readonly OutboxMessage[], context: DeliveryContext): Promise<Delivery>;
  /** True for a target that gets every event of a stream that it gets any of, e.g. EventStoreDB. */
  readonly needsWholeStreams?: boolean;
  /** True for a sink that tells its target of each message which one of the stream came before it. Costs the lane a look and a write a batch. */
  readonly tellsPrevious?: boolean;
  /** Most messages that it takes at once, where that is less than the route's `batch.size`. 1: each is settled before the next is delivered. */
  readonly mostAtOnce?: number;
  /** What it takes, for a route that does not say `only`: a sink of handlers knows what they handle. Each must be in the catalogue. */
  readonly handles?: readonly MessageDefinition[];
  /** Called once before the first batch. Idempotent. What it throws stops the start. */
  start?(signal: AbortSignal): Promise<void>;
  /** Called once after the last batch. Idempotent. */
  stop?(): Promise<void>;
}
