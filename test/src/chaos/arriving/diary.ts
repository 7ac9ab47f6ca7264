import type { Database } from '@waybill/core';
import type { MongoDBTx } from '@waybill/mongodb';
import type { PostgresTx } from '@waybill/postgres';
import type { DatabaseKind } from '../dispatcher-order.js';

/** What one transaction of the application has written. */
export interface DiaryEntry {
  /** Stream and revision of the message that it is about, and of which set of tables: `#1 shipment-a@3`. */
  readonly text: string;
  /** What the order is told by. */
  readonly stream: string;
  /** How many entries of the stream it saw before itself. */
  readonly before: number;
  /** The process that wrote it. */
  readonly by: string;
}

/** The application's own table, written in whichever transaction it is given. */
export interface Diary {
  prepare(tx: unknown): Promise<void>;
  write(entry: Omit<DiaryEntry, 'before'>, tx: unknown): Promise<void>;
  entries(tx: unknown): Promise<readonly DiaryEntry[]>;
}

export const diaryOn = (kind: DatabaseKind): Diary => (kind === 'postgres' ? postgresDiary : mongodbDiary);

/** The committed entries. */
export const entriesIn = (kind: DatabaseKind, { transactions }: Pick<Database, 'transactions'>): Promise<readonly DiaryEntry[]> =>
  transactions.run((tx) => diaryOn(kind).entries(tx));

const postgresDiary: Diary = {
  async prepare(tx) {
    await (tx as PostgresTx).query('create table diary (text text, stream text, before int, by text)');
  },
  async write({ text, stream, by }, tx) {
    const insert = 'insert into diary select $1::text, $2::text, count(*), $3::text from diary where stream = $2::text';
    await (tx as PostgresTx).query(insert, [text, stream, by]);
  },
  async entries(tx) {
    const { rows } = await (tx as PostgresTx).query('select text, stream, before, by from diary order by stream, before');
    return rows as readonly unknown[] as readonly DiaryEntry[];
  },
};

const mongodbDiary: Diary = {
  async prepare(tx) {
    const { db, session } = tx as MongoDBTx;
    await db.createCollection('diary', { session });
  },
  async write(entry, tx) {
    const { db, session } = tx as MongoDBTx;
    const diary = db.collection<DiaryEntry>('diary');
    const seen = await diary.find({ stream: entry.stream }, { session }).toArray();
    await diary.insertOne({ ...entry, before: seen.length }, { session });
  },
  async entries(tx) {
    const { db, session } = tx as MongoDBTx;
    const found = await db.collection<DiaryEntry>('diary').find({}, { session }).toArray();
    return found.map(({ text, stream, before, by }) => ({ text, stream, before, by }));
  },
};
