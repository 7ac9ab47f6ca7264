import { laneOf, streamHash } from '@waybill/core';
import type { LaneChange } from '@waybill/core';
import { Long } from 'mongodb';
import type { AnyBulkWriteOperation, ClientSession } from 'mongodb';
import { int64 } from '../int64.js';
import type { MongoDBCollections } from '../mongodb-collections.js';
import { translate } from '../mongodb-errors.js';
import { newLane } from '../mongodb-routes.js';
import type { MongoDBTransactions } from '../mongodb-transactions.js';
import type { LaneChangeDocument, OutboxDocument } from '../stored-documents.js';
import { beginLaneChange } from './begin-lane-change.js';
import { migratedIdentity, refuseOther } from './identity.js';
import { refuseInUse } from './lanes-in-use.js';
import { refuseReplaced } from './verify.js';

const STREAMS_AT_ONCE = 500;

/**
 * Changes the collections to the number of lanes in the options, in three steps that a crash may come between; whoever runs it again goes on.
 *
 * First, in one transaction, the old lanes go: from here on nobody can hold one, nor number messages without knowing the new number. Then
 * messages are put into their new lanes, stream by stream. Last come the new lanes.
 *
 * @throws {@link LanesInUseError} a dispatcher is alive, or a lane stands at a failure; nothing was changed
 */
export async function changeLanes(collections: MongoDBCollections, transactions: MongoDBTransactions): Promise<LaneChange> {
  const { laneCount: to } = collections;
  try {
    const stored = await migratedIdentity(collections);
    const { lanes: from, changing } = stored;
    if (changing && changing.to !== to) refuseOther(collections, stored);
    if (from === to && !changing) return { from, to, moved: 0 };
    const change = changing ?? (await begin(collections, transactions, from));
    const moved = await moveMessages(collections);
    await transactions.run(({ session }) => end(collections, change, session));
    return { from, to, moved };
  } catch (error) {
    throw translate(error);
  }
}

async function begin(collections: MongoDBCollections, transactions: MongoDBTransactions, from: number): Promise<LaneChangeDocument> {
  await refuseReplaced(collections, await migratedIdentity(collections), from);
  return transactions.run(async ({ session }) => {
    await refuseInUse(collections, session);
    return beginLaneChange(collections, session);
  });
}

/** Messages without a position are put into their lane when they get one. */
async function moveMessages(collections: MongoDBCollections): Promise<number> {
  const { outbox, laneCount } = collections;
  const streams = outbox.aggregate<{ _id: string; lanes: readonly number[] }>(
    [{ $match: { position: { $gt: int64(0n) } } }, { $group: { _id: '$_id.stream', lanes: { $addToSet: '$lane' } } }],
    { allowDiskUse: true },
  );
  let moved = 0;
  let moves: AnyBulkWriteOperation<OutboxDocument>[] = [];
  const send = async (): Promise<void> => {
    if (moves.length > 0) moved += (await outbox.bulkWrite(moves, { ordered: false })).modifiedCount;
    moves = [];
  };
  for await (const { _id: stream, lanes } of streams) {
    const lane = laneOf(streamHash(stream), laneCount);
    if (lanes.every((one) => one === lane)) continue;
    const _id = { $gte: { stream, revision: int64(0n) }, $lte: { stream, revision: Long.MAX_VALUE } };
    moves.push({ updateMany: { filter: { _id, lane: { $ne: lane } }, update: { $set: { lane } } } });
    if (moves.length === STREAMS_AT_ONCE) await send();
  }
  await send();
  return moved;
}

async function end({ lanes, identity, laneCount }: MongoDBCollections, change: LaneChangeDocument, session: ClientSession): Promise<void> {
  const { epoch = int64(0n), lanes: from = laneCount } = (await identity.findOne({ _id: 'outbox' }, { session })) ?? {};
  for (const { _id, position } of change.lanes) {
    await lanes.insertMany(
      Array.from({ length: laneCount }, (_, lane) => ({ _id: { route: _id.route, lane }, ...newLane(position.toBigInt(), epoch) })),
      { session },
    );
  }
  const changed = { $set: { lanes: laneCount }, $addToSet: { formerLanes: from }, $unset: { changing: 1 as const } };
  await identity.updateOne({ _id: 'outbox' }, changed, { session });
}
