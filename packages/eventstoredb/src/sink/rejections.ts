import { MessageRejectedError } from '@waybill/core';
import type { OutboxMessage } from '@waybill/core';

type Rejected = Pick<OutboxMessage, 'id' | 'stream' | 'revision'>;

const rejected = ({ id, stream, revision }: Rejected, detail: string): MessageRejectedError =>
  new MessageRejectedError(id, stream, revision, detail, { final: true });

/** The message's own trouble, in words that say what was found and what to do. Trying again helps none of them. */
export const reject = {
  asUnsendable: (message: Rejected, refusal: string) => rejected(message, refusal),

  asForeign: (message: Rejected, found: { readonly id: string; readonly type: string }) =>
    rejected(
      message,
      `EventStoreDB has event ${found.id} ("${found.type}") at revision ${message.revision} of stream "${message.stream}", where message ${message.id} belongs: ` +
        'another program writes to the stream, or the outbox was restored. Stop the other writer; then skip this message if the other event may stand, or repair the stream',
    ),

  asStoredElsewhere: (message: Rejected, stored: bigint) =>
    rejected(
      message,
      `EventStoreDB stored it at revision ${stored} of stream "${message.stream}", not at ${message.revision}: ` +
        'the stream was deleted, and a deleted stream goes on counting when it is written again. Decide which of the two histories is right before anything else is delivered',
    ),

  asGap: (message: Rejected, last: bigint | undefined) =>
    rejected(
      message,
      `stream "${message.stream}" ends at ${last === undefined ? 'nothing: it does not exist' : `revision ${last}`} in EventStoreDB, so revision ${message.revision} does not follow: ` +
        'the events before it were lost or never delivered (was EventStoreDB restored from a backup, or does the route leave out a part of the stream?)',
    ),

  asDeleted: (message: Rejected, last: bigint | undefined) =>
    rejected(
      message,
      `stream "${message.stream}" was deleted in EventStoreDB${last === undefined ? '' : ` and would go on at revision ${last + 1n}`}, and revision ${message.revision} is among what was deleted. ` +
        'Restore it (set $tb in its metadata back), or skip the message',
    ),

  asTombstoned: (message: Rejected) =>
    rejected(
      message,
      `stream "${message.stream}" was deleted for good (tombstoned) in EventStoreDB and can never be written again; its messages can only be redirected or given up by hand`,
    ),

  asTruncated: (message: Rejected) =>
    rejected(
      message,
      `EventStoreDB has another event at revision ${message.revision} of stream "${message.stream}", which $maxCount, $maxAge or $tb hides: another program wrote it. Stop the other writer, then skip the message`,
    ),

  asTooLarge: (message: Rejected, bytes: number, limitBytes: number | undefined) =>
    rejected(
      message,
      `its event has ${bytes} bytes and the server takes ${limitBytes ?? 'less'} in one append. Store the large part elsewhere and refer to it, or raise the server's limit`,
    ),

  asBadRequest: (message: Rejected) => rejected(message, 'the server calls its event malformed'),
} as const;
