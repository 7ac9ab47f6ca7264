import type { MongoDBTx } from '@waybill/mongodb';
import type { Db } from 'mongodb';
import type { BoardLine, DelayBoard } from '../delay-board.js';

/** A line, by its airport. */
export type BoardDocument = Omit<BoardLine, 'airport'> & { readonly _id: string };

export class MongoDBDelayBoard implements DelayBoard {
  constructor(private readonly tx: MongoDBTx) {}

  /** Beforehand: made by the first write, a collection is made in its transaction, and others that write meanwhile lose. */
  static async create(db: Db): Promise<void> {
    await db.createCollection('delay_board');
  }

  // Two transactions that change one line cannot both commit: the one that comes second is run again.
  async add({ airport, longestDelay, ...counts }: BoardLine): Promise<void> {
    const { db, session } = this.tx;
    await db
      .collection<BoardDocument>('delay_board')
      .updateOne({ _id: airport }, { $inc: counts, $max: { longestDelay } }, { upsert: true, session });
  }
}
