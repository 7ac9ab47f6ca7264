import { MongoServerError } from 'mongodb';
import type { ClientSession, Document } from 'mongodb';
import { bulkWrite } from './bulk-write.js';
import type { MongoDBCollections } from './mongodb-collections.js';
import { codeOf } from './mongodb-errors.js';
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

const MOST_IN_ONE = 1_000;
const MOST_CHARACTERS_IN_ONE = 2_000_000;

/** Two commands, or one where the server takes writes to two collections in one, and it is not much at once. */
export function appendWrites(collections: MongoDBCollections, takesBulkWrite: boolean): AppendWrites {
  const two = inTwoCommands(collections);
  if (!takesBulkWrite) return two;
  const one = inOneCommand(collections);
  return (heads, documents, session) => (isSmall(heads, documents) ? one : two)(heads, documents, session);
}

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

function inOneCommand(collections: MongoDBCollections): AppendWrites {
  const namespaces = [collections.streams.namespace, collections.outbox.namespace];
  return async (heads, documents, session) => {
    const ops = [
      ...heads.map(({ filter, update }) => ({ update: 0, filter, updateMods: update, multi: false, upsert: true })),
      ...documents.map((document) => ({ insert: 1, document })),
    ];
    await bulkWrite(collections, { ops, namespaces }, session);
  };
}
