import type { ClientSession, Db } from 'mongodb';

/** A MongoDB transaction: pass `{ session }` to every call, or the call is outside the transaction. */
export interface MongoDBTx {
  readonly session: ClientSession;
  /** The application's database. */
  readonly db: Db;
}
