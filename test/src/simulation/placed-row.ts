import type { OutboxRow } from '@waybill/core';

/** A row has its position from the append on, and is visible from the commit on: the two orders differ. */
export interface PlacedRow extends Omit<OutboxRow, 'checkpoint'> {
  readonly lane: number;
  /** Which commit, counted from 1, made it visible; `undefined` before, and for good where it was rolled back. */
  commit: number | undefined;
}
