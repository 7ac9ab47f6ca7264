import type { DeliveryAttempt } from '@waybill/core';
import type { Document } from 'mongodb';
import type { HistoryDocument, HistoryKey } from './stored-documents.js';

/** An upsert of a line: a line that is there stays as it is. */
export interface LineWrite {
  readonly filter: { readonly _id: HistoryKey };
  readonly update: Document[];
}

/** Whose tries they are. */
export interface Holder {
  /** As the history calls it. */
  readonly route: string;
  readonly lane: number;
  readonly instance: string;
}

const MOST_DETAIL = 1_000;
let lines = 0;

/** What to write for tries: a line each, with all the messages that were delivered together. */
export const lineWrites = (holder: Holder, attempts: readonly DeliveryAttempt[]): readonly LineWrite[] =>
  attempts.map((attempt) => lineWrite(holder, attempt));

function lineWrite({ route, lane, instance }: Holder, attempt: DeliveryAttempt): LineWrite {
  const { messageIds, outcome, startedAt, durationMs, detail } = attempt;
  const _id: HistoryKey = { route, lane, startedAt, messageId: messageIds[0] ?? '', outcome };
  const line: Omit<HistoryDocument, '_id' | 'at' | 'clusterTime'> = {
    ...{ instance, durationMs, detail: detail?.slice(0, MOST_DETAIL) ?? null, batchSize: messageIds.length, nth: ++lines },
    ...(outcome === 'delivered' ? { delivered: messageIds.join(' ') } : { messageIds, notDelivered: true }),
  };
  const written = { $mergeObjects: [{ $literal: line }, { _id: '$_id', at: '$$NOW', clusterTime: '$$CLUSTER_TIME' }] };
  return { filter: { _id }, update: [{ $replaceWith: { $cond: [{ $eq: [{ $type: '$at' }, 'missing'] }, written, '$$ROOT'] } }] };
}

/** True for the try of a message that was delivered with others. */
export const hasDelivered = ({ delivered }: HistoryDocument, messageId: string): boolean =>
  delivered?.split(' ').includes(messageId) === true;
