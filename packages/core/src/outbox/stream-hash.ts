import { hash } from 'node:crypto';

/** First 32 bits of SHA-1 of the stream name: computed here, so that every database and every version agrees on lanes. */
export function streamHash(stream: string): number {
  return Number.parseInt(hash('sha1', stream, 'hex').slice(0, 8), 16);
}

/** The lane of a stream: streams are hashed onto lanes as keys are onto Kafka partitions. */
export const laneOf = (hash: number, lanes: number): number => hash % lanes;
