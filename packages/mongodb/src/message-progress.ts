import type { MessagePlace, MessageProgress } from '@waybill/core';
import { int64 } from './int64.js';
import type { MongoDBCollections } from './mongodb-collections.js';
import type { OutboxDocument } from './stored-documents.js';
import { standings } from './standings.js';

type Row = Pick<OutboxDocument, '_id' | 'id' | 'type' | 'kind' | 'lane' | 'position'>;

/** How far one route is with these messages. */
export async function messageProgress(
  collections: MongoDBCollections,
  route: string,
  messages: readonly MessagePlace[],
): Promise<readonly MessageProgress[]> {
  const { routes, actions } = collections;
  const rows = await rowsOf(collections, messages);
  const removed = await removedOf(collections, without(messages, rows));
  const [stored, passed] = await Promise.all([
    routes.findOne({ _id: route }),
    actions.find({ messageId: { $in: rows.map(({ id }) => id) }, route, kind: { $in: ['skip', 'discard'] }, outcome: 'done' }).toArray(),
  ]);
  const standingOf = await standings(collections, stored ? [stored] : [], rows);
  const skipped = new Set(passed.map(({ messageId }) => messageId));
  const standing = rows.map((row) => {
    const { _id, id, type, kind, lane } = row;
    const at = stored && standingOf(stored, row);
    const isStopped = at?.isBehindCheckpoint && at.stopped;
    return {
      ...{ stream: _id.stream, revision: _id.revision.toBigInt(), type, kind, lane, skipped: skipped.has(id) },
      passed: at?.isBehindCheckpoint === true && !at.stopped,
      ...(isStopped && { stopped: isStopped.state }),
    };
  });
  return [...standing, ...removed.map((place) => ({ ...place, passed: true, skipped: false }))];
}

function rowsOf({ outbox }: MongoDBCollections, messages: readonly MessagePlace[]): Promise<readonly Row[]> {
  return outbox
    .find({ _id: { $in: messages.map(({ stream, revision }) => ({ stream, revision: int64(revision) })) } })
    .project<Row>({ id: 1, type: 1, kind: 1, lane: 1, position: 1 })
    .toArray();
}

/** Of places without a row, those that every route was done with: the stream has passed them, and they are not just being committed. */
async function removedOf(collections: MongoDBCollections, missing: readonly MessagePlace[]): Promise<readonly MessagePlace[]> {
  if (missing.length === 0) return [];
  const streams = [...new Set(missing.map(({ stream }) => stream))];
  const heads = new Map((await collections.streams.find({ _id: { $in: streams } }).toArray()).map(({ _id, revision }) => [_id, revision]));
  const passed = missing.filter(({ stream, revision }) => revision <= (heads.get(stream)?.toBigInt() ?? -1n));
  // A row that was committed between the two looks is seen now, after the head.
  return passed.length === 0 ? [] : without(passed, await rowsOf(collections, passed));
}

function without(places: readonly MessagePlace[], rows: readonly Row[]): readonly MessagePlace[] {
  const found = new Set(rows.map(({ _id: { stream, revision } }) => JSON.stringify([stream, String(revision)])));
  return places
    .filter(({ stream, revision }) => !found.has(JSON.stringify([stream, String(revision)])))
    .map(({ stream, revision }) => ({ stream, revision }));
}
