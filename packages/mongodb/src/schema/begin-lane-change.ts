import { laneOf, streamHash } from '@waybill/core';
import type { StoppedStream } from '@waybill/core';
import type { ClientSession, Long } from 'mongodb';
import { int64 } from '../int64.js';
import type { MongoDBCollections } from '../mongodb-collections.js';
import { selectionFilter } from '../selection-filter.js';
import type { LaneChangeDocument, LaneDocument, OutboxDocument, RouteDocument } from '../stored-documents.js';
import { selectionOf } from '../stored-selection.js';
import { stoppedDocument } from '../stored-stopped-stream.js';

type Undelivered = Pick<OutboxDocument, '_id' | 'id'>;

/**
 * Takes the lanes of all routes away. What is left is where they go on: at the furthest place that one of a route's lanes had reached. Streams
 * that have undelivered messages before it are to be redriven, and those that were stopped stay so, in their new lanes.
 */
export async function beginLaneChange(collections: MongoDBCollections, session: ClientSession): Promise<LaneChangeDocument> {
  const { routes, lanes, identity, sequencer, laneCount: to } = collections;
  const left: LaneChangeDocument['lanes'][number][] = [];
  let epoch = int64(0n);
  for (const route of await routes.find({ order: 'stream', retiredAt: { $exists: false } }, { session }).toArray()) {
    const own = await lanes.find({ '_id.route': route._id }, { session }).toArray();
    const position = highest(own.map((lane) => lane.position));
    epoch = highest([epoch, ...own.map((lane) => lane.epoch)]);
    await redrive(collections, { route, lanes: own, position }, session);
    await moveOrders(collections, route._id, session);
    await lanes.deleteMany({ '_id.route': route._id }, { session });
    left.push({ _id: { route: route._id, lane: 0 }, position });
  }
  const change = { to, lanes: left };
  await identity.updateOne({ _id: 'outbox' }, { $set: { changing: change }, $max: { epoch: epoch.add(1) } }, { session });
  await sequencer.updateOne(
    { _id: 'sequencer' },
    { $set: { lanes: to, owner: '', leaseUntil: new Date(0), session: null }, $inc: { epoch: int64(1n) } },
    { session },
  );
  return change;
}

interface Moving {
  readonly route: RouteDocument;
  readonly lanes: readonly LaneDocument[];
  readonly position: Long;
}

async function redrive({ stopped, outbox, laneCount }: MongoDBCollections, moving: Moving, session: ClientSession): Promise<void> {
  const { route, lanes, position } = moving;
  const newLane = (stream: string): { route: string; lane: number } => ({ route: route._id, lane: laneOf(streamHash(stream), laneCount) });

  const known = await stopped.find({ '_id.route': route._id }, { session }).toArray();
  const entries = known.map(({ _id, ...entry }) => ({ _id: { ...newLane(_id.stream), stream: _id.stream }, ...entry }));
  const waiting = new Set(known.map(({ _id }) => _id.stream));
  for (const lane of lanes) {
    const behind = outbox
      .find(
        { $and: [{ lane: lane._id.lane, position: { $gt: lane.position, $lte: position } }, selectionFilter(selectionOf(route))] },
        { session },
      )
      .sort({ position: 1 })
      .project<Undelivered>({ id: 1 });
    for await (const first of behind) {
      const { stream } = first._id;
      if (waiting.has(stream)) continue;
      waiting.add(stream);
      entries.push(stoppedDocument(newLane(stream), leftBehind(first)));
    }
  }
  await stopped.deleteMany({ '_id.route': route._id }, { session });
  if (entries.length > 0) await stopped.insertMany(entries, { session });
}

function leftBehind({ _id: { stream, revision }, id }: Undelivered): StoppedStream {
  const failure = {
    ...{ messageId: id, stream, revision: revision.toBigInt(), attempts: 0, nextTryAt: undefined },
    ...{ code: 'LANES_CHANGED', error: 'The number of lanes was changed before this was delivered; nothing failed.' },
  };
  return { stream, fromRevision: revision.toBigInt(), state: 'redriving', failure, stoppedAt: new Date() };
}

async function moveOrders({ actions, laneCount }: MongoDBCollections, route: string, session: ClientSession): Promise<void> {
  for (const { _id, stream } of await actions.find({ route, executedAt: null }, { session }).toArray()) {
    const moved = stream
      ? { lane: laneOf(streamHash(stream), laneCount) }
      : { executedAt: new Date(), outcome: 'refused' as const, note: 'the number of lanes was changed' };
    await actions.updateOne({ _id }, { $set: moved }, { session });
  }
}

const highest = (numbers: readonly Long[]): Long => numbers.reduce((most, one) => (one.greaterThan(most) ? one : most), int64(0n));
