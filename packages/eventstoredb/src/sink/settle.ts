import { SKIPPED_TYPE, SinkUnavailableError } from '@waybill/core';
import type { AppendOutcome } from '../append/append-queue.js';
import type { Group } from './groups.js';
import { reject } from './rejections.js';
import type { StoredEvents } from './stored-events.js';
import type { Entry, StreamTrack } from './stream-track.js';

/** What is known after the answers to a track's groups: nothing is open, or one has to look into the stream. */
export type Verdict = { readonly kind: 'clear' } | { readonly kind: 'look'; readonly group: Group; readonly outcome: AppendOutcome };

const CLEAR: Verdict = { kind: 'clear' };

/** Settles a track by the answers to its groups, in order, up to the first that does not simply say "stored where it belongs". */
export function settleByAnswers(track: StreamTrack, groups: readonly Group[], outcomes: readonly AppendOutcome[]): Verdict {
  for (const [nth, group] of groups.entries()) {
    const outcome = outcomes[nth]!;
    const { message, event } = group.entries[0]!;
    const last = group.entries.at(-1)!.message;
    switch (outcome.kind) {
      case 'accepted':
        // A server compares no id where the expected revision is the current one, and a re-created stream goes on counting.
        if (outcome.revision !== last.revision) {
          track.failure = reject.asStoredElsewhere(message, outcome.revision - (last.revision - message.revision));
          return CLEAR;
        }
        if (!outcome.readable) return { kind: 'look', group, outcome };
        track.settled += group.entries.length;
        break;
      case 'too-large':
      case 'bad-request':
        if (group.entries.length > 1) track.oneByOne = true;
        else track.failure = outcome.kind === 'too-large' ? reject.asTooLarge(message, event.bytes, outcome.limitBytes) : reject.asBadRequest(message);
        return CLEAR;
      case 'stream-deleted':
        track.failure = reject.asTombstoned(message);
        return CLEAR;
      case 'not-sent':
        return CLEAR; // it goes with the next round
      case 'refused':
        track.failure = new SinkUnavailableError(outcome.detail, { cause: outcome.cause });
        return CLEAR;
      case 'conflict':
      case 'unknown':
        return { kind: 'look', group, outcome };
    }
  }
  return CLEAR;
}

/**
 * Settles a track by what its stream really holds. What was stored counts as delivered, whoever's try it was; a track that is left open is
 * sent again, which the exact revisions make safe.
 */
export function settleByStream(track: StreamTrack, { group, outcome }: Extract<Verdict, { kind: 'look' }>, stored: StoredEvents): void {
  for (let entry = track.next; entry; entry = track.next) {
    const found = stored.byRevision.get(entry.message.revision);
    if (!found) return settleUnseen(track, entry, group, outcome, stored);
    if (!sameId(found.id, entry) && entry.message.type !== SKIPPED_TYPE) {
      track.failure = reject.asForeign(entry.message, found);
      return;
    }
    track.settled += 1; // a placeholder only has to find its place taken, by whatever it is
  }
}

/** The first open message cannot be read back: not stored, or hidden by a deletion or a truncation. */
function settleUnseen(track: StreamTrack, entry: Entry, group: Group, outcome: AppendOutcome, { missing, last }: StoredEvents): void {
  const { message } = entry;
  const asked = group.entries.includes(entry);
  const truncated = !missing && last !== undefined && last > message.revision;

  if (outcome.kind === 'accepted' && asked) {
    // The server knows this id at this revision. It was delivered once; a truncation is somebody's intent, a deletion must be looked at.
    if (missing && message.type !== SKIPPED_TYPE) track.failure = reject.asDeleted(message, undefined);
    else track.settled += group.entries.length - group.entries.indexOf(entry);
    return;
  }
  if (outcome.kind !== 'conflict' || !asked || group.entries[0] !== entry) {
    track.oneByOne ||= truncated;
    return;
  }
  const { current } = outcome;
  if (current === undefined || current < message.revision - 1n) track.failure = reject.asGap(message, current);
  else if (current >= message.revision) {
    if (missing) track.failure = reject.asDeleted(message, current);
    else if (truncated && track.oneByOne) track.failure = reject.asTruncated(message);
    else track.oneByOne ||= truncated; // its first try may not be committed yet, and so not readable
  }
}

const sameId = (storedId: string, { message }: Entry): boolean => storedId.toLowerCase() === message.id.toLowerCase();
