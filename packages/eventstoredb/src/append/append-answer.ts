import sharedMessages from '@eventstore/db-client/generated/shared_pb.js';
import type { UUID } from '@eventstore/db-client/generated/shared_pb.js';
import type { BatchAppendResp } from '@eventstore/db-client/generated/streams_pb.js';
import type { Status } from '@eventstore/db-client/generated/status_pb.js';

/** What became of an append, as far as one can know. */
export type AppendAnswer =
  /** `revision`: of the last event. `readable`: false where the server could not say where it is: deleted or truncated since. */
  | { readonly kind: 'accepted'; readonly revision: bigint; readonly readable: boolean }
  /** `current`: the stream's last revision; `undefined`: it has none. */
  | { readonly kind: 'conflict'; readonly current: bigint | undefined }
  | { readonly kind: 'too-large'; readonly limitBytes: number | undefined }
  | { readonly kind: 'stream-deleted' }
  | { readonly kind: 'bad-request' }
  /** The sink's trouble; nothing was stored. */
  | { readonly kind: 'refused'; readonly detail: string; readonly cause?: unknown }
  /** It may have been stored, or be stored yet. */
  | { readonly kind: 'unknown'; readonly detail: string; readonly cause?: unknown };

export function decodeAnswer(response: BatchAppendResp): AppendAnswer {
  const error = response.getError();
  if (error) return failureOf(error);
  const success = response.getSuccess();
  if (!success) return { kind: 'unknown', detail: 'the server answered neither success nor failure' };
  return { kind: 'accepted', revision: BigInt(success.getCurrentRevision()), readable: success.hasPosition() };
}

function failureOf(error: Status): AppendAnswer {
  const details = error.getDetails();
  const name = details?.getTypeName().split('.').at(-1);
  const text = error.getMessage();
  switch (name) {
    case 'WrongExpectedVersion': {
      const conflict = sharedMessages.WrongExpectedVersion.deserializeBinary(details!.getValue_asU8());
      return { kind: 'conflict', current: conflict.hasCurrentStreamRevision() ? BigInt(conflict.getCurrentStreamRevision()) : undefined };
    }
    case 'MaximumAppendSizeExceeded':
      return {
        kind: 'too-large',
        limitBytes: sharedMessages.MaximumAppendSizeExceeded.deserializeBinary(details!.getValue_asU8()).getMaxappendsize(),
      };
    case 'MaximumAppendEventSizeExceeded':
      return { kind: 'too-large', limitBytes: undefined };
    case 'StreamDeleted':
      return { kind: 'stream-deleted' };
    case 'BadRequest':
      return { kind: 'bad-request' };
    case 'AccessDenied':
      return { kind: 'refused', detail: 'access denied; check the credentials, and who may write to the stream' };
    case 'Timeout':
      return {
        kind: 'unknown',
        detail:
          "the server gave up waiting for the append to be committed. If it did so at once: is the clock of this machine behind the server's?",
      };
    default:
      return /busy|not ready/i.test(text)
        ? { kind: 'refused', detail: text }
        : { kind: 'unknown', detail: `the server answered "${text}"` };
  }
}

/** The id as text, whichever of its two forms the server chose. */
export function uuidText(id: UUID | undefined): string {
  if (!id) return '';
  const structured = id.getStructured();
  if (!structured) return id.getString().toLowerCase();
  const hex = [structured.getMostSignificantBits(), structured.getLeastSignificantBits()].map((half) =>
    BigInt.asUintN(64, BigInt(half)).toString(16).padStart(16, '0'),
  );
  return hex.join('').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
