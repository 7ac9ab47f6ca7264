import type { Document } from 'bson';
import { CODES, ServerError } from '../server-error.js';

const WRITES: ReadonlySet<string> = new Set([
  'insert',
  'update',
  'delete',
  'findAndModify',
  'findandmodify',
  'bulkWrite',
  'create',
  'createIndexes',
  'drop',
  'dropIndexes',
  'dropDatabase',
  'collMod',
  'renameCollection',
  'commitTransaction',
  'abortTransaction',
]);

const READS: ReadonlySet<string> = new Set(['find', 'aggregate', 'count', 'distinct', 'listCollections', 'listIndexes', 'listDatabases']);

/** May only a primary do this? Writes, and whatever belongs to a transaction. */
export function needsPrimary(name: string, body: Document): boolean {
  return WRITES.has(name) || body.autocommit === false || writesOut(body);
}

/** Can this command change what is stored, and so have a write concern? */
export function mayWrite(name: string, body: Document): boolean {
  return WRITES.has(name) || writesOut(body);
}

/**
 * What a member that is not primary answers.
 *
 * @throws ServerError 10107 for what needs a primary, 13435 for reads that do not say that a secondary will do
 */
export function refuseAsSecondary(name: string, body: Document): void {
  if (needsPrimary(name, body)) throw new ServerError(CODES.NotWritablePrimary, 'not primary');
  const mode = (body.$readPreference as Document | undefined)?.mode as unknown;
  if (READS.has(name) && (mode === undefined || mode === 'primary')) {
    throw new ServerError(CODES.NotPrimaryNoSecondaryOk, 'not primary and secondaryOk=false');
  }
}

/**
 * What a stand-alone server cannot do.
 *
 * @throws ServerError 20 for a transaction number, 40573 for a change stream
 */
export function refuseAsStandAlone(body: Document): void {
  if (body.txnNumber !== undefined) {
    throw new ServerError(CODES.IllegalOperation, 'Transaction numbers are only allowed on a replica set member or mongos');
  }
  if (Array.isArray(body.pipeline) && (body.pipeline[0] as Document | undefined)?.$changeStream !== undefined) {
    throw new ServerError(40573, 'The $changeStream stage is only supported on replica sets');
  }
}

function writesOut({ pipeline }: Document): boolean {
  const last = Array.isArray(pipeline) ? (pipeline.at(-1) as Document | undefined) : undefined;
  return last?.$out !== undefined || last?.$merge !== undefined;
}
