import type { Clock, DomainEvent, Logger, OutboxMessage } from '@waybill/core';
import type { FailoverOptions } from './failover-options.js';
import type { TargetAnswer } from './target-answer.js';
import type { TargetManner, TargetOptions } from './target-options.js';

/** A message that an answer becomes. */
export interface AnswerMessage {
  /** As in `scope.append`: messages of one key are delivered in order. */
  readonly orderingKey: string;
  /** Of the dispatcher's catalogue. */
  readonly message: DomainEvent;
}

/** What goes for the target of `url`, or for every one of `targets` that does not say otherwise. */
export interface HttpSinkOptions extends TargetManner {
  /** Who sends, as the CloudEvents attribute `source` says it: a URI of your own, e.g. `/shop` or `urn:example:shop`. */
  readonly source: string;
  /** Where to. Either this, or `targets`. */
  readonly url?: string | URL;
  /** Several addresses in the order they are to be used: the first that does well gets the messages. */
  readonly targets?: readonly TargetOptions[];
  /**
   * What several targets are to each other; it has to be said.
   *
   * - `doors-to-one-receiver`: different ways to one receiver with one inbox, where a stream's messages meet again, whichever way each has come.
   * - `independent`: receivers of their own (two providers of text messages). Each message is still sent only after the one before it of its stream
   *   was accepted, but no receiver sees all of a stream, so none is told what came before. Refused on routes with `order: 'global'`.
   */
  readonly targetsAre?: 'doors-to-one-receiver' | 'independent';
  /**
   * True where a message that one target may have done can be sent to another: they know together what was done, as doors to one receiver with an
   * inbox do. Default false: such a message waits for its target, until that has told or a person has said to go on.
   */
  readonly safeAcrossTargets?: boolean;
  readonly failover?: FailoverOptions;
  /** Keys of messages' metadata that are sent, as attributes of the same names: up to 20 lower-case letters and digits. Default: none. */
  readonly metadata?: readonly string[];
  /**
   * Makes a message of an answer to an accepted message, e.g. `PaymentDeclined`. It is committed together with the knowledge that the message was
   * delivered, or not at all. Called again when the message is sent again. Where it throws, the message counts as one whose outcome nobody knows.
   * Not in batch mode.
   */
  readonly reply?: (answer: TargetAnswer, message: OutboxMessage) => AnswerMessage | undefined;
  /** How much one request of batch mode holds. Default 100 messages, and 512 KiB. */
  readonly batch?: { readonly messages?: number; readonly bytes?: number };
  /**
   * How many requests of one lane may be under way side by side, each for another stream. Default 8. One after another where a target is not
   * idempotent, where there are several targets without `safeAcrossTargets`, on routes with `order: 'global'`, and in batch mode.
   */
  readonly inFlight?: number;
  /** Whether messages tell which one of their stream came before. Default true, unless all requests are made by `request`, or targets are independent. */
  readonly tellsPrevious?: boolean;
  readonly clock?: Clock;
  /** Of what is logged apart from deliveries. Default: nowhere. */
  readonly logger?: Logger;
}
