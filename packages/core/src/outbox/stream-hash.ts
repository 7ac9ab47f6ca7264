import { createHash } from 'node:crypto';

/** First 32 bits of SHA-1 of the stream name: computed here, so that every database and every version agrees on lanes. */
export function streamHash(stream: string): number {
  return createHash('sha1').update(stream).digest().readUInt32BE(0);
}

/** The lane of a stream: streams are hashed onto lanes as keys are onto Kafka partitions. */
export const laneOf = (hash: number, lanes: number): number => hash % lanes;
