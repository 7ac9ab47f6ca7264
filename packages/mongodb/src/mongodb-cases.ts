import type { CaseQuery, CaseStore, OpenCase, RecordedCase } from '@waybill/core';
import type { Document, Filter } from 'mongodb';
import { int64 } from './int64.js';
import type { MongoDBCollections } from './mongodb-collections.js';
import { translate } from './mongodb-errors.js';
import type { MongoDBTx } from './mongodb-tx.js';
import { requireOpen } from './require-open.js';
import type { CaseDocument } from './stored-documents.js';

export class MongoDBCases implements CaseStore<MongoDBTx> {
  constructor(private readonly collections: MongoDBCollections) {}

  async open({ id, ...toOpen }: OpenCase, tx: MongoDBTx): Promise<void> {
    requireOpen(tx);
    const { session } = tx;
    // An insert that finds it there would abort the transaction. What is there already is left as it is.
    await this.collections.cases.updateOne({ _id: id }, openingOf(toOpen), { session, upsert: true });
  }

  async find({ id, state, kind, of, most }: CaseQuery): Promise<readonly RecordedCase[]> {
    const filter: Filter<CaseDocument> = {
      ...(id !== undefined && { _id: id }),
      ...(state !== undefined && { 'closed.at': state === 'open' ? null : { $ne: null } }),
      ...(kind !== undefined && { kind }),
      ...(of !== undefined && { of }),
    };
    try {
      return (await this.collections.cases.find(filter).sort({ openedAt: 1, _id: 1 }).limit(most).toArray()).map(recordedCase);
    } catch (error) {
      throw translate(error);
    }
  }

  async close(id: string, { by, reason }: { readonly by: string; readonly reason: string }, tx: MongoDBTx): Promise<boolean> {
    requireOpen(tx);
    const { session } = tx;
    const { matchedCount } = await this.collections.cases.updateOne(
      { _id: id, 'closed.at': null },
      [{ $set: { closed: { at: '$$NOW', by: { $literal: by }, reason: { $literal: reason } } } }],
      { session },
    );
    return matchedCount === 1;
  }
}

function openingOf({ kind, of, message, process, correlationId, detail }: Omit<OpenCase, 'id'>): Document[] {
  const opened: Omit<CaseDocument, '_id' | 'openedAt'> = {
    ...{ kind, of, message: message ? { ...message, revision: int64(message.revision) } : null, process: process ?? null },
    ...{ correlationId: correlationId ?? null, detail, closed: null },
  };
  const written = { $mergeObjects: [{ $literal: opened }, { _id: '$_id', openedAt: '$$NOW' }] };
  return [{ $replaceWith: { $cond: [{ $eq: [{ $type: '$openedAt' }, 'missing'] }, written, '$$ROOT'] } }];
}

const recordedCase = ({ _id, message, process, correlationId, closed, ...recorded }: CaseDocument): RecordedCase => ({
  ...{ id: _id, ...recorded, process: process ?? undefined, correlationId: correlationId ?? undefined, closed: closed ?? undefined },
  message: message ? { ...message, revision: message.revision.toBigInt() } : undefined,
});
