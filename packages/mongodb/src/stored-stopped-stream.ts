import type { RouteStoppedStream, StoppedStream } from '@waybill/core';
import { MaxKey } from 'mongodb';
import type { Filter } from 'mongodb';
import { int64 } from './int64.js';
import type { StoppedStreamDocument } from './stored-documents.js';
import { failureDocument, failureOf } from './stored-failure.js';

interface Lane {
  readonly route: string;
  readonly lane: number;
}

export function stoppedDocument({ route, lane }: Lane, entry: StoppedStream): StoppedStreamDocument {
  const { stream, fromRevision, state, failure, stoppedAt } = entry;
  return { _id: { route, lane, stream }, fromRevision: int64(fromRevision), state, failure: failureDocument(failure), stoppedAt };
}

export function stoppedStreamOf({ _id, fromRevision, state, failure, stoppedAt }: StoppedStreamDocument): RouteStoppedStream {
  return { ..._id, fromRevision: fromRevision.toBigInt(), state, failure: failureOf(failure), stoppedAt };
}

/** A lane's entries, as a range of the keys. */
export const stoppedOf = ({ route, lane }: Lane): Filter<StoppedStreamDocument> => ({
  _id: { $gte: { route, lane, stream: '' }, $lt: { route, lane, stream: new MaxKey() as never } },
});
