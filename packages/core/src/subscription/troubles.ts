import { isWaybillError } from '../errors.js';
import type { WaybillErrors } from '../errors.js';
import type { Arrival } from '../receiver/arrival.js';
import type { SubscriptionFailure } from './subscription-store.js';
import type { Followed } from './following.js';

const NOBODYS_FAULT = [
  ...['DATABASE_UNAVAILABLE', 'TRANSACTION_CONFLICT', 'COMMIT_OUTCOME_UNKNOWN', 'TARGET_UNAVAILABLE', 'OUTCOME_UNKNOWN'],
  // A schema version that is newer than this process: in the middle of a deployment somebody else will know it.
  'UNKNOWN_MESSAGE_TYPE',
] as readonly (keyof WaybillErrors)[];

/** Whether it is the database's trouble, that of something outside, or this process is out of date: no message is blamed for it. */
export const isTrouble = (error: unknown): boolean => NOBODYS_FAULT.some((code) => isWaybillError(error, code)) && !isFinal(error);

/** Whether another try cannot help. */
export const isFinal = (error: unknown): boolean =>
  (isWaybillError(error, 'MESSAGE_REJECTED') || isWaybillError(error, 'OUTCOME_UNKNOWN')) && error.final;

/** Of a try that was cut short: what it did outside the database nobody knows. */
export const CUT_SHORT = 'CUT_SHORT';

/** Whether somebody may have begun with a message, and nobody knows how far that came. */
export const leavesDoubt = (failure: SubscriptionFailure | undefined): boolean => failure?.message !== undefined;

export const contentOf = (
  arrival: Arrival,
): { readonly id: string; readonly type: string; readonly stream: string; readonly revision: bigint } =>
  arrival.kind === 'message' ? arrival.message : arrival.unreadable;

export function failedMessage(followed: Followed): NonNullable<SubscriptionFailure['message']> {
  const { id, type, stream, revision } = contentOf(followed);
  return { id, type, stream, revision, position: followed.position };
}

export function codeOf(error: unknown): string {
  const code = (error as { readonly code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : 'ERROR';
}
