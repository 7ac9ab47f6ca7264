import type { LaneFailure, RouteStoppedStream } from '@waybill/core';
import type { MongoDBCollections } from './mongodb-collections.js';
import type { LaneDocument, OutboxDocument, RouteDocument } from './stored-documents.js';
import { failureOf } from './stored-failure.js';
import { stoppedStreamOf } from './stored-stopped-stream.js';

type Row = Pick<OutboxDocument, '_id' | 'lane' | 'position'>;

/** Where a route is with a message. */
export interface Standing {
  readonly lane: number;
  readonly isBehindCheckpoint: boolean;
  /** The stop that the message waits in. */
  readonly stopped: RouteStoppedStream | undefined;
  /** What the lane stands at. */
  readonly failure: LaneFailure | undefined;
}

/** `undefined` for a route that does not have the message's lane. */
export type StandingOf = (route: RouteDocument, row: Row) => Standing | undefined;

/**
 * The rows were read before: a lane that is looked at after them is no less far. And stopped streams are read after the lanes: a lane that has
 * passed a message which it did not deliver has left an entry in the same settlement.
 */
export async function standings(
  { lanes, stopped }: MongoDBCollections,
  routes: readonly RouteDocument[],
  rows: readonly Row[],
): Promise<StandingOf> {
  if (routes.length === 0 || rows.length === 0) return () => undefined;
  const numbers = new Set(rows.map(({ lane }) => lane));
  const keys = routes.flatMap(({ _id: route, order }) => (order === 'global' ? [0] : [...numbers]).map((lane) => ({ route, lane })));
  const stored = new Map((await lanes.find({ _id: { $in: keys } }).toArray()).map((lane) => [keyOf(lane._id.route, lane._id.lane), lane]));
  const streams = [...new Set(rows.map(({ _id }) => _id.stream))];
  const entries = await stopped.find({ _id: { $in: keys.flatMap((key) => streams.map((stream) => ({ ...key, stream }))) } }).toArray();
  const stops = new Map(entries.map((entry) => [keyOf(entry._id.route, entry._id.stream), stoppedStreamOf(entry)]));

  return ({ _id: route, order }, { _id: { stream, revision }, lane, position }) => {
    const found = stored.get(keyOf(route, order === 'global' ? 0 : lane));
    if (!found) return undefined;
    const stop = stops.get(keyOf(route, stream));
    return {
      lane: found._id.lane,
      isBehindCheckpoint: position?.lessThanOrEqual(found.position) === true,
      stopped: stop && stop.fromRevision <= revision.toBigInt() ? stop : undefined,
      failure: failureAt(found),
    };
  };
}

const failureAt = ({ state, failure }: LaneDocument): LaneFailure | undefined =>
  state !== 'running' && failure ? failureOf(failure) : undefined;

const keyOf = (route: string, part: string | number): string => JSON.stringify([route, part]);
