import type { WaitOptions } from '../dispatcher/when-delivered.js';
import { messagesOfToken } from '../unit-of-work/receipt.js';
import type { Receipt, ReceiptMessage } from '../unit-of-work/receipt.js';

export interface HandledOptions extends WaitOptions {
  /**
   * Who sent the messages, as they say themselves (the CloudEvents `source`). Needed where what arrives is remembered by claims: an id is its
   * sender's own.
   */
  readonly source?: string;
}

/** Whoever runs handlers and can tell what they have done: a {@link HandlerSink}, {@link InboxHandlers}, a `Consumer`. */
export interface HandlesMessages {
  /**
   * Resolves once the effects of all its handlers for these messages are committed, in whichever process; `not-selected`: none of them is for it.
   *
   * @throws {@link WaitTimeoutError} after `timeoutMs`; they may be handled later
   */
  whenHandled(messages: readonly ReceiptMessage[], options: HandledOptions): Promise<'handled' | 'not-selected'>;
}

/**
 * Waits until a commit's messages are handled: until the effects of the handlers are committed, not only until a sink has accepted them.
 *
 * Give it `timeoutMs`: a message that a person has skipped is never handled.
 *
 * @param receipt - or its token, from another process
 * @throws {@link WaitTimeoutError} after `timeoutMs`; they may be handled later
 * @throws {@link InvalidOptionsError} no receipt's token, or the source is needed and missing
 */
export function handled(
  receipt: Receipt | string,
  consumer: HandlesMessages,
  options: HandledOptions = {},
): Promise<'handled' | 'not-selected'> {
  return consumer.whenHandled(typeof receipt === 'string' ? messagesOfToken(receipt) : receipt.messages, options);
}
