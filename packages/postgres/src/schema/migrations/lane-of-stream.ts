import { LANE_OF_STREAM } from '../../postgres-errors.js';

/**
 * A commit that began before the number of lanes was changed, and inserts after it, has computed an old lane: it has to fail, for nobody would
 * deliver its messages in their order. Not validated, so that it locks the table for a moment only: rows from before are right.
 */
export const laneOfStream = (schema: string, lanes: number): string => `
alter table ${schema}.outbox
  drop constraint if exists ${LANE_OF_STREAM},
  add constraint ${LANE_OF_STREAM} check (lane = stream_hash % ${lanes}) not valid;`;
