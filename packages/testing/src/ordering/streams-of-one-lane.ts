import { laneOf, streamHash } from '@waybill/core';
import type { LeasedRoute } from './leased-route.js';

/** Streams whose messages go through one lane: only there can one be read past the other. */
export function streamsOfOneLane<Count extends 2 | 5>({ held, prefix }: LeasedRoute & { prefix: string }, count: Count): Streams<Count> {
  const lane = (stream: string): number => laneOf(streamHash(stream), held.length);
  const streams: string[] = [];
  for (let nth = 0; streams.length < count; nth++) {
    const stream = `${prefix}${nth}`;
    if (lane(stream) === lane(streams[0] ?? stream)) streams.push(stream);
  }
  return streams as readonly string[] as Streams<Count>;
}

type Streams<Count extends 2 | 5> = Count extends 2 ? readonly [string, string] : readonly [string, string, string, string, string];
