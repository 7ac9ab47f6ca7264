import type { Checkpoint, Settlement } from '@waybill/core';

/** A valid settlement, of a lane that runs on from its checkpoint. */
export function aSettlement(checkpoint: Checkpoint, overrides: Partial<Settlement> = {}): Settlement {
  return { checkpoint, state: 'running', failure: undefined, suspects: 0, ...overrides };
}
