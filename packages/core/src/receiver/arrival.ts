import type { WaybillError } from '../errors/waybill-error.js';
import type { ArrivedMessage } from './arrived-message.js';

/** Something that arrived which can be no message, e.g. a binary event that another program wrote. */
export interface UnreadableMessage {
  readonly id: string;
  readonly type: string;
  readonly stream: string;
  readonly revision: bigint;
  readonly error: WaybillError;
}

/** What a log or a receiver hands over. Who wants nothing of an unreadable one's type passes it by. */
export type Arrival =
  { readonly kind: 'message'; readonly message: ArrivedMessage } | { readonly kind: 'unreadable'; readonly unreadable: UnreadableMessage };
