import { InvalidOptionsError } from '../errors.js';
import type { MessageFields } from '../message/message.js';

export interface ReceiptMessage extends Pick<MessageFields, 'id' | 'stream' | 'revision'> {
  /** Absent where the receipt was made by a version that did not tell it. */
  readonly type?: string;
}

/** What a commit gives back: plain data, to wait on. */
export interface Receipt<Result = unknown> {
  /** What `work` returned. */
  readonly result: Result;
  /** In commit order. Empty when the work emitted nothing. */
  readonly messages: readonly ReceiptMessage[];
  /** Opaque text to wait on from another process. */
  readonly token: string;
  /** True when an `idempotencyKey` was seen before: this is the first run's receipt, and `work` did not run. */
  readonly repeated: boolean;
}

export function receiptOf<Result>(result: Result, messages: readonly ReceiptMessage[], repeated = false): Receipt<Result> {
  return { result, messages, repeated, token: tokenOf(messages) };
}

function tokenOf(messages: readonly ReceiptMessage[]): string {
  const places = messages.map(({ id, stream, revision, type }) => [id, stream, String(revision), ...(type === undefined ? [] : [type])]);
  return Buffer.from(JSON.stringify(places)).toString('base64url');
}

/** @throws {@link InvalidOptionsError} the text is no receipt's token */
export function messagesOfToken(token: string): readonly ReceiptMessage[] {
  try {
    const places = JSON.parse(Buffer.from(token, 'base64url').toString()) as [string, string, string, string?][];
    return places.map(([id, stream, revision, type]) => ({
      id,
      stream,
      revision: BigInt(revision),
      ...(type !== undefined && { type }),
    }));
  } catch (cause) {
    throw new InvalidOptionsError(`"${token.slice(0, 40)}" is not a receipt's token. Pass receipt.token as it was.`, { cause });
  }
}
