import type { DeliveryAttempt } from '@waybill/core';
import type { Document } from 'mongodb';
import type { HistoryDocument, HistoryKey } from './stored-documents.js';

/** An upsert of a line: a line that is there stays as it is. */
export interface LineWrite {
  readonly filter: { readonly _id: HistoryKey };
  readonly update: Document[];
}

interface Holder {
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
  const line: Omit<HistoryDocument, '_id' | 'at'> = {
    ...{ instance, durationMs, detail: detail?.slice(0, MOST_DETAIL) ?? null, messageIds, nth: ++lines },
    ...(outcome !== 'delivered' && { notDelivered: true }),
  };
  const written = { $mergeObjects: [{ $literal: line }, { _id: '$_id', at: '$$NOW' }] };
  return { filter: { _id }, update: [{ $replaceWith: { $cond: [{ $eq: [{ $type: '$at' }, 'missing'] }, written, '$$ROOT'] } }] };
}
