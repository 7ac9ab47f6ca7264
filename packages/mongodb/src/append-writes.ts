import { MongoServerError } from 'mongodb';
import type { ClientSession, Document } from 'mongodb';
import type { MongoDBCollections } from './mongodb-collections.js';
import { codeOf, translate } from './mongodb-errors.js';
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
const REFUSED = new Set([59, 115, 323]); // command not found, command not supported, not in the stable API
const MOST_IN_ONE = 1_000;
const MOST_CHARACTERS_IN_ONE = 2_000_000;

/** Two commands, or one where the server takes writes to two collections in one, and it is not much at once. */
export function appendWrites(collections: MongoDBCollections, takesBulkWrite: boolean): AppendWrites {
  const two = inTwoCommands(collections);
  if (!takesBulkWrite) return two;
  const one = inOneCommand(collections);
  return (heads, documents, session) => (isSmall(heads, documents) ? one : two)(heads, documents, session);
}

/** Asked by doing nothing: MongoDB 8.0 knows the command, and refuses it while its compatibility version is older. */
export async function takesBulkWrite({ client, streams }: MongoDBCollections, maxWireVersion: number): Promise<boolean> {
  if (maxWireVersion < KNOWS_BULK_WRITE) return false;
  const ops = [{ update: 0, filter: { _id: '' }, updateMods: { $unset: { nothing: 1 } }, multi: false }];
  try {
    await client.db('admin').command({ bulkWrite: 1, ops, nsInfo: [{ ns: streams.namespace }], errorsOnly: true });
    return true;
  } catch (error) {
    if (isRefusedBulkWrite(error)) return false;
    throw translate(error);
  }
}

export const isRefusedBulkWrite = (error: unknown): boolean => REFUSED.has(codeOf(error) ?? 0);

/** For the driver to run the work again. */
export const asTransient = (cause: unknown): MongoServerError =>
  new MongoServerError({ message: String(cause), code: codeOf(cause), errorLabels: ['TransientTransactionError'] });

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
