import type { MongoDBTx } from '@waybill/mongodb';
import type { Db } from 'mongodb';
import type { Notice, NoticeBook } from '../long-delay-notices.js';

export class MongoDBNoticeBook implements NoticeBook {
  constructor(private readonly tx: MongoDBTx) {}

  /** Not unique on purpose: a notice that was written twice has to show. */
  static async create(db: Db): Promise<void> {
    await db.createCollection('long_delay_notice');
    await db.collection('long_delay_notice').createIndex({ messageId: 1 });
  }

  async write({ messageId, stream, text }: Notice): Promise<void> {
    const { db, session } = this.tx;
    await db.collection<Notice>('long_delay_notice').insertOne({ messageId, stream, text }, { session });
  }
}
