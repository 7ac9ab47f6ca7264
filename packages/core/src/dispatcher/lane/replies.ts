import { v5 as uuidFrom } from 'uuid';
import type { Catalogue } from '../../message/catalogue.js';
import type { MessageMetadata } from '../../message/message.js';
import { keyedStream } from '../../message/stream-name.js';
import type { OutboxMessage } from '../../outbox/outbox-message.js';
import type { StreamAppend } from '../../outbox/outbox-store.js';
import type { Delivery, Reply } from '../../sink/sink.js';
import { encodedMessage, keyedAppend, MAX_PAYLOAD_BYTES } from '../../unit-of-work/encoded-message.js';
import type { GrowingAppend } from '../../unit-of-work/encoded-message.js';

export interface AnsweredOptions {
  readonly route: string;
  readonly catalogue: Catalogue;
  /** When the answer came. */
  readonly occurredAt: Date;
}

/**
 * What the answers to accepted messages became, by stream. Ids derive from the answered message and the route: a message that is delivered
 * again, because what came of it was not stored, is answered under the same ids.
 *
 * @throws Error a reply that cannot be stored, with what is wrong with it
 */
export function repliesOf(
  { accepted, replies = [] }: Delivery,
  messages: readonly OutboxMessage[],
  options: AnsweredOptions,
): readonly StreamAppend[] {
  const { route, catalogue, occurredAt } = options;
  const appends = new Map<string, GrowingAppend>();
  const counts = new Map<number, number>();
  for (const { to, orderingKey, message: event } of replies.map(checkedReply)) {
    const answered = Number.isInteger(to) ? messages[to] : undefined;
    if (!answered) throw unfit(`it is to message ${String(to)} of a batch of ${messages.length}; \`to\` is an index in the batch, from 0`);
    const nth = counts.get(to) ?? 0;
    counts.set(to, nth + 1);
    if (to >= accepted) continue;
    try {
      const id = uuidFrom(`${nth} ${route}`, answered.id);
      const metadata = causedBy(answered);
      const { message } = encodedMessage(event, {
        ...{ catalogue, stream: orderingKey, maxPayloadBytes: MAX_PAYLOAD_BYTES, id, occurredAt, metadata },
      });
      const stream = keyedStream(message.kind, orderingKey);
      const append = appends.get(stream) ?? keyedAppend(stream);
      append.messages.push(message);
      appends.set(stream, append);
    } catch (cause) {
      throw unfit(cause instanceof Error ? cause.message : String(cause), cause);
    }
  }
  return [...appends.values()];
}

// Of a sink that no compiler has checked.
function checkedReply(reply: Reply | undefined): Reply {
  if (typeof reply?.message?.type !== 'string') throw unfit('it has no message; make one with a definition, e.g. PaymentDeclined({ ... })');
  return reply;
}

/** Of the same conversation and trace; other metadata of the message is its own. */
const causedBy = ({ id, metadata: { correlationId, traceparent } }: OutboxMessage): MessageMetadata => ({
  ...{ correlationId, causationId: id },
  ...(traceparent !== undefined && { traceparent }),
});

const unfit = (detail: string, cause?: unknown): Error => new Error(`a reply of the sink cannot be stored: ${detail}`, { cause });
