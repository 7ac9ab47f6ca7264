import { selects } from '@waybill/core';
import type { MessageQuery, MessageStatus } from '@waybill/core';
import { Long } from 'mongodb';
import type { DeliveryHistory, Tries } from './delivery-history.js';
import { int64 } from './int64.js';
import type { MongoDBCollections } from './mongodb-collections.js';
import { standings } from './standings.js';
import type { Standing } from './standings.js';
import type { OutboxDocument, RouteDocument } from './stored-documents.js';
import { selectionOf } from './stored-selection.js';

type Row = Pick<OutboxDocument, '_id' | 'id' | 'type' | 'kind' | 'lane' | 'position' | 'at' | 'occurredAt'>;

interface Line {
  readonly row: Row;
  readonly route: string;
  readonly standing: Standing;
}

const DEFAULT_MOST = 100;

/** The lines of `outbox_status` that were asked for: by indexes alone, and a bounded look at the history. */
export async function messageStatus(
  collections: MongoDBCollections,
  history: DeliveryHistory,
  query: MessageQuery,
): Promise<readonly MessageStatus[]> {
  const rows = await rowsOf(collections, query);
  if (rows.length === 0) return [];
  const routes = await collections.routes
    .find({ retiredAt: { $exists: false } })
    .sort({ _id: 1 })
    .toArray();
  const standingOf = await standings(collections, routes, rows);
  const lines = rows.flatMap((row) =>
    routes
      .filter((route) => isSelected(route, row))
      .flatMap((route) => {
        const standing = standingOf(route, row);
        return standing ? { row, route: route._id, standing } : [];
      }),
  );
  const done = lines.filter(({ standing }) => statusOf(standing) === 'DONE');
  const tries = await history.tries(
    rows.map(({ id }) => id),
    done.map(({ row, route, standing }) => ({ route, lane: standing.lane, row })),
  );
  return lines.map((line) => statusLine(line, tries(line.route, line.row.id)));
}

function rowsOf({ outbox }: MongoDBCollections, query: MessageQuery): Promise<readonly Row[]> {
  const fields = { id: 1, type: 1, kind: 1, lane: 1, position: 1, at: 1, occurredAt: 1 };
  if ('messageId' in query) return outbox.find({ id: query.messageId }).sort({ _id: 1 }).project<Row>(fields).toArray();
  const { stream, from = 0n, most = DEFAULT_MOST } = query;
  return outbox
    .find({ _id: { $gte: { stream, revision: int64(from) }, $lte: { stream, revision: Long.MAX_VALUE } } })
    .sort({ _id: 1 })
    .limit(most)
    .project<Row>(fields)
    .toArray();
}

const isSelected = (route: RouteDocument, { _id: { stream }, type, kind }: Row): boolean =>
  selects(selectionOf(route), { type, kind, stream });

/** Of a message that the lane has not reached, the failure that the lane stands at: it is this message's, or one before it. */
const failureOf = ({ stopped, isBehindCheckpoint, failure }: Standing) => stopped?.failure ?? (isBehindCheckpoint ? undefined : failure);

function statusOf(standing: Standing): MessageStatus['status'] {
  if (failureOf(standing)) return 'FAILED';
  return standing.isBehindCheckpoint ? 'DONE' : 'WAITING';
}

function statusLine({ row, route, standing }: Line, { failCount, failedAt, processedAt }: Tries): MessageStatus {
  const { _id, id: messageId, type, occurredAt } = row;
  const status = statusOf(standing);
  return {
    ...{ messageId, stream: _id.stream, revision: _id.revision.toBigInt(), type, route, lane: standing.lane, status },
    ...{ failCount, occurredAt, processedAt: status === 'DONE' ? processedAt : undefined, failedAt },
    error: failureOf(standing)?.error,
  };
}
