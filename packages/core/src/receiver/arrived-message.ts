import type { RecordedMessage } from '../message/stored-message.js';

/** A message as it arrived from elsewhere: its payload is parsed JSON, not yet decoded, upcast or validated. */
export interface ArrivedMessage extends RecordedMessage {
  /** Who sent it, as it says itself: the CloudEvents `source`. */
  readonly source: string;
  /** The sender's route: the order of its messages is proven by itself. */
  readonly route?: string | undefined;
  /** Revision of the message of the stream that the sender's route delivered before this one, `'none'` for its first; absent: it does not tell. */
  readonly previous?: bigint | 'none' | undefined;
  /** The sender's lease epoch: of two senders of one stream, the one with the lower is out of date. */
  readonly epoch?: bigint | undefined;
}
