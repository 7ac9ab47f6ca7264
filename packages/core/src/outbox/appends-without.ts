import type { StreamAppend } from './outbox-store.js';

/** The appends without the messages that the outbox has already; of a stream that would get nothing, nothing. For adapters. */
export function appendsWithout(known: ReadonlySet<string>, appends: readonly StreamAppend[]): readonly StreamAppend[] {
  return appends
    .map((append) => ({ ...append, messages: append.messages.filter(({ id }) => !known.has(id)) }))
    .filter(({ messages }) => messages.length > 0);
}
