import { MongoServerError } from 'mongodb';
import type { ClientSession, Document } from 'mongodb';
import type { MongoDBCollections } from './mongodb-collections.js';
import type { OutboxDocument } from './stored-documents.js';

/** An upsert of a stream's head. */
export interface HeadWrite {
  readonly filter: { readonly _id: string };
  readonly update: Document[];
}

/**
 * Writes heads, and then messages: a head that has moved stops it. An error of a head tells its index in `writeErrors`.
 *
 * @throws MongoServerError as the server said it, for the driver to see its labels
 */
export type AppendWrites = (heads: readonly HeadWrite[], documents: readonly OutboxDocument[], session: ClientSession) => Promise<void>;

const KNOWS_BULK_WRITE = 25; // wire version of MongoDB 8.0
const MOST_IN_ONE = 1_000;
const MOST_CHARACTERS_IN_ONE = 2_000_000;

/** One command where the server takes writes to two collections in one, which is MongoDB 8.0 and newer; elsewhere, and for much at once, two. */
export function appendWrites(collections: MongoDBCollections, maxWireVersion: number): AppendWrites {
  const two = inTwoCommands(collections);
  if (maxWireVersion < KNOWS_BULK_WRITE) return two;
  const one = inOneCommand(collections);
  return (heads, documents, session) => (isSmall(heads, documents) ? one : two)(heads, documents, session);
}

function isSmall(heads: readonly HeadWrite[], documents: readonly OutboxDocument[]): boolean {
  const characters = documents.reduce((sum, { payload, metadata }) => sum + payload.length + metadata.length, 0);
  return heads.length + documents.length <= MOST_IN_ONE && characters <= MOST_CHARACTERS_IN_ONE;
}

function inTwoCommands({ streams, outbox }: MongoDBCollections): AppendWrites {
  return async (heads, documents, session) => {
    const writes = heads.map(({ filter, update }) => ({ updateOne: { filter, update, upsert: true } }));
    await streams.bulkWrite(writes, { session, ordered: true });
    await outbox.insertMany([...documents], { session, ordered: true });
  };
}

// Not through the driver's bulkWrite of the client: it wraps errors, and loses the labels by which a transaction is run again.
function inOneCommand({ client, streams, outbox }: MongoDBCollections): AppendWrites {
  const admin = client.db('admin');
  const nsInfo = [{ ns: streams.namespace }, { ns: outbox.namespace }];
  return async (heads, documents, session) => {
    const ops = [
      ...heads.map(({ filter, update }) => ({ update: 0, filter, updateMods: update, multi: false, upsert: true })),
      ...documents.map((document) => ({ insert: 1, document })),
    ];
    const reply = await admin.command(
      { bulkWrite: 1, ops, nsInfo, ordered: true, errorsOnly: true },
      { session, ignoreUndefined: true, promoteLongs: true, useBigInt64: false },
    );
    const { cursor } = reply as { readonly cursor: { readonly firstBatch: readonly StatementError[] } };
    const [failed] = cursor.firstBatch.filter(({ ok }) => ok === 0);
    if (failed) throw asServerError(failed);
  };
}

interface StatementError {
  readonly ok: number;
  readonly idx: number;
  readonly code: number;
  readonly errmsg: string;
}

const asServerError = ({ idx, code, errmsg }: StatementError): MongoServerError =>
  new MongoServerError({ message: errmsg, code, writeErrors: [{ index: idx }] });
