import type { OutboxMessage } from '@waybill/core';
import { eventToAppend } from '../event/event-to-append.js';
import type { Settings } from '../eventstoredb-options.js';
import { groupLimits, groupsOf } from './groups.js';
import { reject } from './rejections.js';
import type { Entry } from './stream-track.js';
import { StreamTrack } from './stream-track.js';

/** One track a stream. Behind a message that no server would take, nothing of its stream is sent. */
export function tracksByStream(batch: readonly OutboxMessage[], { maxAppendBytes }: Settings): readonly StreamTrack[] {
  const tracks = new Map<string, StreamTrack>();
  for (const [index, message] of batch.entries()) {
    let track = tracks.get(message.stream);
    if (!track) tracks.set(message.stream, (track = new StreamTrack(message.stream)));
    if (!track.endsWith) add(track, index, message, maxAppendBytes);
  }
  return [...tracks.values()];
}

/** One track for each append that may be made without changing the order of the batch: neighbours of one stream, within the limits. */
export function tracksByRun(batch: readonly OutboxMessage[], settings: Settings): readonly StreamTrack[] {
  const tracks: StreamTrack[] = [];
  for (const [index, message] of batch.entries()) {
    let track = tracks.at(-1);
    if (track?.stream !== message.stream) tracks.push((track = new StreamTrack(message.stream)));
    add(track, index, message, settings.maxAppendBytes);
    if (track.endsWith) break;
  }
  return tracks.flatMap((track) => cut(track, settings));
}

function cut(run: StreamTrack, settings: Settings): readonly StreamTrack[] {
  const tracks = groupsOf(run, groupLimits(settings)).map(({ entries }) => trackOf(run.stream, entries));
  if (run.endsWith) {
    if (tracks.length === 0) tracks.push(trackOf(run.stream, []));
    tracks.at(-1)!.endsWith = run.endsWith;
  }
  return tracks;
}

function trackOf(stream: string, entries: readonly Entry[]): StreamTrack {
  const track = new StreamTrack(stream);
  track.entries.push(...entries);
  return track;
}

function add(track: StreamTrack, index: number, message: OutboxMessage, maxAppendBytes: number): void {
  const event = eventToAppend(message, maxAppendBytes);
  if ('refusal' in event) track.endsWith = reject.asUnsendable(message, event.refusal);
  else track.entries.push({ index, message, event });
}
