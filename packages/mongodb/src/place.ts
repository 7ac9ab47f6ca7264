import type { Checkpoint } from '@waybill/core';

/** A lane's place: the position of the last message that it has passed. Zero is before the first. */
export const checkpointAt = (position: bigint): Checkpoint => ({ position }) as unknown as Checkpoint;
export const positionOf = (checkpoint: Checkpoint): bigint => (checkpoint as unknown as { readonly position: bigint }).position;
