import type { MessageKind } from '../message/message.js';
import type { Selection } from './lane-store.js';

/** True when a selection takes a message of this type in this stream. Adapters push the same rule into their queries. */
export function selects(
  { types, streams }: Selection,
  message: { readonly type: string; readonly kind: MessageKind; readonly stream: string },
): boolean {
  const byType = types ? types.includes(message.type) : message.kind === 'event';
  return byType && (!streams || streams.some((prefix) => message.stream.startsWith(prefix)));
}
