import { MongoServerError } from 'mongodb';
import type { ClientSession, Document, MongoClientBulkWriteError } from 'mongodb';
import type { MongoDBCollections } from './mongodb-collections.js';
import { codeOf, translate } from './mongodb-errors.js';

/** Writes to several collections. Each names its collection by the place in `namespaces`. */
export interface BulkWrite {
  readonly ops: readonly Document[];
  readonly namespaces: readonly string[];
}

const KNOWS_BULK_WRITE = 25; // wire version of MongoDB 8.0
const REFUSED = new Set([59, 115, 323]); // command not found, command not supported, not in the stable API

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

/**
 * One command in a transaction, in the order given, up to the first write that fails: its error tells its index in `writeErrors`.
 *
 * @throws MongoServerError as the server said it, for the driver to see its labels
 */
export async function bulkWrite({ client }: MongoDBCollections, { ops, namespaces }: BulkWrite, session: ClientSession): Promise<void> {
  // Not through the driver's bulkWrite of the client: it wraps errors, and loses the labels by which a transaction is run again.
  const reply = await client
    .db('admin')
    .command(
      { bulkWrite: 1, ops, nsInfo: namespaces.map((ns) => ({ ns })), ordered: true, errorsOnly: true },
      { session, ignoreUndefined: true, promoteLongs: true, useBigInt64: false },
    );
  const { cursor } = reply as { readonly cursor: { readonly firstBatch: readonly StatementError[] } };
  const [failed] = cursor.firstBatch.filter(({ ok }) => ok === 0);
  if (failed) throw asServerError(failed);
}

/** What the driver's bulkWrite of the client failed with: which write, and the server's error or the connection's. */
export function failureOfBulkWrite(error: unknown): { readonly write?: number; readonly cause: Error } {
  const { writeErrors, cause } = error as Partial<MongoClientBulkWriteError>;
  const [failed] = writeErrors instanceof Map ? writeErrors : [];
  if (failed) return { write: failed[0], cause: new MongoServerError({ message: failed[1].message, code: failed[1].code }) };
  return { cause: cause instanceof Error ? cause : (error as Error) };
}

interface StatementError {
  readonly ok: number;
  readonly idx: number;
  readonly code: number;
  readonly errmsg: string;
}

const asServerError = ({ idx, code, errmsg }: StatementError): MongoServerError =>
  new MongoServerError({ message: errmsg, code, writeErrors: [{ index: idx }] });
