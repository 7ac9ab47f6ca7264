import type { ResolvedRecord } from '../wire/read-event.js';

/** One message of a group on its way to be handled: waiting, or in a consumer's hands. */
export interface CompetingMessage {
  /** What consumers answer with: the id of the link if there is one, else of the event. */
  readonly id: string;
  readonly resolved: ResolvedRecord;
  /** How often it was delivered before. */
  readonly retryCount: number;
  /** Came from the parked messages; it is behind the checkpoint already. */
  readonly replayed: boolean;
  /** The place of the message that was read before it, which is done when all before this one are; `undefined` for the first. */
  readonly previousPlace: number | undefined;
  /** Counts what the group has read; orders messages and measures how far a checkpoint would move. */
  readonly sequence: number;
}

export function asRetry(message: CompetingMessage): CompetingMessage {
  return { ...message, retryCount: message.retryCount + 1 };
}
