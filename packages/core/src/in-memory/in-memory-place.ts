import type { Checkpoint } from '../outbox/outbox-row.js';
import type { StoppedStream } from '../outbox/stopped-stream.js';
import type { CommittedRow, InMemoryState, Log, StoredLaneRow } from './in-memory-state.js';

type Order = 'stream' | 'global';

/** An in-memory lane's place: how many rows of its log it has passed. */
export const checkpointAt = (passed: number): Checkpoint => ({ passed }) as unknown as Checkpoint;
export const passedOf = (checkpoint: Checkpoint): number => (checkpoint as unknown as { readonly passed: number }).passed;

export const laneKey = (route: string, lane: number): string => JSON.stringify([route, lane]);

export const logOf = (state: InMemoryState, order: Order, lane: number): Log => (order === 'global' ? state.rows : state.rowsByLane[lane]!);

/** How many rows of its log a lane has passed once it is past this one. */
export const placeOf = (row: CommittedRow, order: Order): number => (order === 'global' ? row.index : row.laneIndex) + 1;

/** The lane of a route that a row is on. */
export function laneRowOf(state: InMemoryState, route: string, row: CommittedRow): StoredLaneRow | undefined {
  const order = state.routes.get(route)?.order;
  return state.lanes.get(laneKey(route, order === 'global' ? 0 : row.lane));
}

/** What a lane has done with a row: its checkpoint is past it, or not; the stopped stream that it waits in. */
export function standing(
  state: InMemoryState,
  lane: StoredLaneRow,
  row: CommittedRow,
): { readonly passed: boolean; readonly stopped: StoppedStream | undefined } {
  const { order } = state.routes.get(lane.route)!;
  const stopped = lane.stopped.get(row.stream);
  return {
    passed: passedOf(lane.progress.checkpoint) >= placeOf(row, order),
    stopped: stopped && stopped.fromRevision <= row.revision ? stopped : undefined,
  };
}
