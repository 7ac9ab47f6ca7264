import type { OutboxMessage } from '@waybill/core';
import type { Role } from './arriving-order.js';
import { isLost } from './search-process.js';

/** A ledger before it is known what is written in it. */
export interface Expected {
  readonly in: 'diary' | 'outbox';
  /** Stream of the diary, or of the outbox. */
  readonly stream: string;
  readonly lines: readonly string[];
  readonly isOrdered: boolean;
  readonly isComplete: boolean;
}

/** How many messages of a stream, and what else has happened, by which the rest is known. */
export interface Happened {
  readonly role: Role;
  /** By stream, in order. */
  readonly shipped: ReadonlyMap<string, readonly OutboxMessage[]>;
  /** The generation that the projection is to have. */
  readonly generation: number;
}

export const textOf = ({ stream, revision }: Pick<OutboxMessage, 'stream' | 'revision'>): string => `${stream}@${revision}`;

/** All that should be written once everything is handled. */
export function expectedOf({ role, shipped, generation }: Happened): readonly Expected[] {
  const streams = [...shipped].map(([stream, messages]) => ({ stream, lines: messages.map(textOf) }));
  const all = { isOrdered: role !== 'group', isComplete: true };
  if (role === 'process') return streams.flatMap(({ lines }) => lines.flatMap(ofSearch));
  if (role === 'projection') return [...ofGenerations(streams, generation), ofSwitches(generation)];
  return streams.flatMap(({ stream, lines }) => [
    { in: 'diary', stream, lines, ...all },
    { in: 'outbox', stream: `key-${stream}`, lines, ...all },
  ]);
}

function ofGenerations(streams: readonly { stream: string; lines: readonly string[] }[], live: number): readonly Expected[] {
  return Array.from({ length: live }, (_, nth) => nth + 1).flatMap((generation) =>
    streams.map(({ stream, lines }) => ({
      ...{ in: 'diary', stream: `#${generation} ${stream}`, lines: lines.map((line) => `#${generation} ${line}`) },
      ...{ isOrdered: true, isComplete: generation === live }, // what was replaced ends somewhere
    })),
  );
}

const ofSwitches = (live: number): Expected => ({
  ...{ in: 'diary', stream: 'switches', lines: Array.from({ length: live - 1 }, (_, nth) => `#${nth + 2} activated`) },
  ...{ isOrdered: true, isComplete: true },
});

const ofSearch = (key: string): readonly Expected[] => [
  {
    ...{ in: 'outbox', stream: `command-search-${key}`, isOrdered: true, isComplete: true },
    lines: isLost(key) ? ['FindParcel', 'ReplaceParcel'] : ['FindParcel', 'CallOffSearch'],
  },
  { in: 'diary', stream: key, lines: isLost(key) ? [`late ${key}`] : [], isOrdered: true, isComplete: true },
];
