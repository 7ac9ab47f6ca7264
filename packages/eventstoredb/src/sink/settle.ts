import { SKIPPED_TYPE, SinkUnavailableError } from '@waybill/core';
import type { MessageRejectedError, OutboxMessage } from '@waybill/core';
import type { AppendOutcome } from '../append/append-queue.js';
import type { Group } from './groups.js';
import { reject } from './rejections.js';
import type { StoredEvents } from './stored-events.js';
import type { Entry, StreamTrack } from './stream-track.js';

/**
 * Settles a track by the answers to its groups, in order, up to the first that does not simply say "stored where it belongs".
 *
 * @returns that answer if it leaves a doubt, so that one has to look into the stream
 */
export function settleByAnswers(
  track: StreamTrack,
  groups: readonly Group[],
  outcomes: readonly AppendOutcome[],
): AppendOutcome | undefined {
  for (const [nth, group] of groups.entries()) {
    const outcome = outcomes[nth]!;
    const { message, event } = group.entries[0]!;
    const last = group.entries.at(-1)!.message;
    switch (outcome.kind) {
      case 'accepted':
        // A server compares no id where the expected revision is the current one, and a re-created stream goes on counting.
        if (outcome.revision !== last.revision) {
          track.failure = reject.asStoredElsewhere(message, outcome.revision - (last.revision - message.revision));
          return undefined;
        }
        if (!outcome.readable) return outcome;
        track.settled += group.entries.length;
        break;
      case 'too-large':
      case 'bad-request':
        if (group.entries.length > 1) track.oneByOne = true;
        else
          track.failure =
            outcome.kind === 'too-large' ? reject.asTooLarge(message, event.bytes, outcome.limitBytes) : reject.asBadRequest(message);
        return undefined;
      case 'stream-deleted':
        track.failure = reject.asTombstoned(message);
        return undefined;
      case 'not-sent':
        return undefined; // it goes with the next round
      case 'refused':
        track.failure = new SinkUnavailableError(outcome.detail, { cause: outcome.cause });
        return undefined;
      case 'conflict':
      case 'unknown':
        return outcome;
    }
  }
  return undefined;
}

/**
 * Settles a track by what its stream really holds, from the doubtful group on. What was stored counts as delivered, whoever's try it was; a
 * track that is left open is sent again, which the exact revisions make safe.
 */
export function settleByStream(
  track: StreamTrack,
  groups: readonly Group[],
  outcomes: readonly AppendOutcome[],
  stored: StoredEvents,
): void {
  for (const [nth, group] of groups.entries()) {
    if (track.next && group.entries.includes(track.next)) settleGroup(track, { group, outcome: outcomes[nth]!, first: nth === 0 }, stored);
    if (track.failure || (track.next && group.entries.includes(track.next))) return;
  }
}

interface Answered {
  readonly group: Group;
  readonly outcome: AppendOutcome;
  /** Sent when all before it was settled: what its answer misses is not under way. */
  readonly first: boolean;
}

function settleGroup(track: StreamTrack, answered: Answered, stored: StoredEvents): void {
  const { group } = answered;
  for (let entry = track.next; entry && group.entries.includes(entry); entry = track.next) {
    const found = stored.byRevision.get(entry.message.revision);
    if (!found) return settleUnseen(track, entry, answered, stored);
    if (!sameId(found.id, entry) && entry.message.type !== SKIPPED_TYPE) {
      track.failure = reject.asForeign(entry.message, found);
      return;
    }
    track.settled += 1; // a placeholder only has to find its place taken, by whatever it is
  }
}

/** The next message cannot be read back: it is not stored, not committed yet, or hidden by a deletion or a truncation. */
function settleUnseen(track: StreamTrack, entry: Entry, { group, outcome, first }: Answered, { state, last }: StoredEvents): void {
  const { message } = entry;
  const truncated = state === 'readable' && last !== undefined && last > message.revision;

  if (outcome.kind === 'accepted') {
    // The server knows this id at this revision. It was delivered once; a truncation is somebody's intent, a deletion must be looked at.
    if (state === 'deleted' && message.type !== SKIPPED_TYPE) track.failure = reject.asDeleted(message, undefined);
    else if (state !== 'missing') track.settled += group.entries.length - group.entries.indexOf(entry);
    return;
  }
  if (outcome.kind === 'conflict' && entry === group.entries[0]) {
    track.failure = conflictWith(message, outcome.current, { state, first, hidden: truncated && track.oneByOne });
    if (track.failure) return;
  }
  track.oneByOne ||= truncated;
}

interface Unseen {
  readonly state: StoredEvents['state'];
  /** Another event has the place: the append was of this one alone, and later events can be read. */
  readonly hidden: boolean;
  readonly first: boolean;
}

function conflictWith(
  message: OutboxMessage,
  current: bigint | undefined,
  { state, hidden, first }: Unseen,
): MessageRejectedError | undefined {
  if (current === undefined || current < message.revision - 1n) return first ? reject.asGap(message, current) : undefined;
  if (current < message.revision) return undefined;
  if (state === 'deleted') return reject.asDeleted(message, current);
  return hidden ? reject.asTruncated(message) : undefined;
}

const sameId = (storedId: string, { message }: Entry): boolean => storedId.toLowerCase() === message.id.toLowerCase();
