import { InvalidOptionsError } from '@waybill/core';
import type { MongoDBTx } from './mongodb-tx.js';

/** @throws {@link InvalidOptionsError} what is written there would be written at once and one by one, not together */
export function requireOpen({ session, db }: Partial<MongoDBTx>): void {
  if (!session || !db) {
    throw new InvalidOptionsError('A transaction of MongoDB is { session, db }: join({ session, db: client.db(name) }, work).');
  }
  if (session.inTransaction()) return;
  throw new InvalidOptionsError(
    'This session has no open transaction, so nothing written in it would be together. Join inside session.withTransaction(), or after ' +
      'session.startTransaction(), and leave ending it to whoever opened it. Nothing was written.',
  );
}
