import { isWaybillError, MessageRejectedError } from '../errors.js';
import type { Message } from '../message/message.js';

/** The database's trouble, which is safe to repeat (a claim that was committed after all is found by the next try). */
const DATABASE_TROUBLE = ['DATABASE_UNAVAILABLE', 'TRANSACTION_CONFLICT', 'COMMIT_OUTCOME_UNKNOWN'] as const;
const TARGETS_TROUBLE = ['TARGET_UNAVAILABLE', 'OUTCOME_UNKNOWN'] as const;
/** This process is not the one any more whose turn it is. */
const LOST = ['LEASE_LOST', 'SUBSCRIPTION_LOST'] as const;
const NOT_THE_HANDLERS = [...DATABASE_TROUBLE, ...TARGETS_TROUBLE, ...LOST] as const;

/** Whether a failure is the handler's, and not of what it works with, or because nobody waits for it any more. */
export function isHandlersOwn(error: unknown, signal: AbortSignal): boolean {
  return !signal.aborted && !NOT_THE_HANDLERS.some((code) => isWaybillError(error, code));
}

export const isDatabaseTrouble = (error: unknown): boolean => DATABASE_TROUBLE.some((code) => isWaybillError(error, code));

/** A handler can say of a message that trying again cannot help. */
export const isFinal = (error: unknown): boolean => isWaybillError(error, 'MESSAGE_REJECTED') && error.final;

export const detailOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** A handler's failure as what carries the messages gets it; `final` where the handler has said so. */
export function rejectedBy(handler: string, message: Message, cause: unknown, isCalled = false): MessageRejectedError {
  const detail = `handler "${handler}" failed${isCalled ? ' after its call' : ''}: ${detailOf(cause)}`;
  return new MessageRejectedError(message.id, message.stream, message.revision, detail, { cause, final: isFinal(cause) });
}
