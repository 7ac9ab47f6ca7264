import type { Settings } from '../eventstoredb-options.js';
import type { Entry, StreamTrack } from './stream-track.js';

/** What goes into one append: messages of one stream, revision after revision. */
export interface Group {
  readonly track: StreamTrack;
  readonly entries: readonly Entry[];
}

export interface GroupLimits {
  readonly maxEvents: number;
  readonly maxBytes: number;
}

/** Servers differ in what they count; and above some megabytes an append only gets slower. */
const FILL = 0.8;
const MAX_GROUP_BYTES = 4 * 1024 * 1024;

export function groupLimits({ maxAppendBytes, maxEventsPerAppend }: Settings): GroupLimits {
  return { maxEvents: maxEventsPerAppend, maxBytes: Math.min(Math.floor(maxAppendBytes * FILL), MAX_GROUP_BYTES) };
}

/** Cuts what a track still has to send. An event that is over the limit by itself goes alone: the server decides. */
export function groupsOf(track: StreamTrack, limits: GroupLimits): readonly Group[] {
  const { maxEvents, maxBytes } = track.oneByOne ? { maxEvents: 1, maxBytes: Infinity } : limits;
  const groups: Entry[][] = [];
  let bytes = 0;
  for (const entry of track.unsettled) {
    const group = groups.at(-1);
    bytes += entry.event.bytes;
    if (group && group.length < maxEvents && bytes <= maxBytes && follows(group.at(-1)!, entry)) {
      group.push(entry);
      continue;
    }
    groups.push([entry]);
    bytes = entry.event.bytes;
  }
  return groups.map((entries) => ({ track, entries }));
}

const follows = (before: Entry, entry: Entry): boolean => entry.message.revision === before.message.revision + 1n;
