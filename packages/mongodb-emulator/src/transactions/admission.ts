import type { Document } from 'bson';
import { CODES, ServerError } from '../server-error.js';
import type { Invocation } from '../commands/invocation.js';

const ENDINGS: ReadonlySet<string> = new Set(['commitTransaction', 'abortTransaction']);
const RETRYABLE_WRITES: ReadonlySet<string> = new Set(['insert', 'update', 'delete', 'findAndModify', 'findandmodify', 'bulkWrite']);
const IN_TRANSACTIONS: ReadonlySet<string> = new Set([
  ...['abortTransaction', 'aggregate', 'bulkWrite', 'commitTransaction', 'create', 'createIndexes', 'delete', 'distinct'],
  ...['find', 'findAndModify', 'findandmodify', 'getMore', 'insert', 'killCursors', 'update'],
]);
const NEVER_FIRST: ReadonlySet<string> = new Set(['commitTransaction', 'abortTransaction', 'killCursors', 'getMore']);
const ON_ADMIN: ReadonlySet<string> = new Set(['commitTransaction', 'abortTransaction', 'bulkWrite']);
const SYSTEM_DATABASES: ReadonlySet<string> = new Set(['admin', 'config', 'local']);
const SNAPSHOT_READS: ReadonlySet<string> = new Set(['find', 'aggregate', 'distinct', 'getMore']);
const READS: ReadonlySet<string> = new Set([
  'find',
  'aggregate',
  'distinct',
  'count',
  'getMore',
  'listCollections',
  'listIndexes',
  'explain',
]);

/** True for commands that end a transaction. */
export function endsTransaction(name: string): boolean {
  return ENDINGS.has(name);
}

/**
 * Refuses what must not even touch its session: an open transaction goes on as if the command had not come.
 *
 * @throws ServerError 72, 263 or 50768
 */
export function admit({ name, body, db }: Invocation): void {
  checkOptions(body);
  if (body.autocommit === undefined) checkOutside(name, body);
  else checkInside(name, body, db);
}

function checkOptions({ txnNumber, lsid, autocommit, startTransaction }: Document): void {
  if (txnNumber !== undefined && lsid === undefined) invalid('Transaction number requires a session ID to also be specified');
  if (autocommit !== undefined && txnNumber === undefined) invalid("'autocommit' field requires a transaction number to also be specified");
  if (autocommit === true) invalid('Specifying autocommit=true is not allowed.');
  if (startTransaction !== undefined && autocommit === undefined) {
    invalid("'startTransaction' field requires 'autocommit' field to also be specified");
  }
  if (startTransaction === false) invalid('Specifying startTransaction=false is not allowed.');
}

function checkOutside(name: string, { txnNumber, readConcern }: Document): void {
  if (txnNumber !== undefined && !RETRYABLE_WRITES.has(name)) {
    throw new ServerError(
      50768,
      'txnNumber may only be provided for multi-document transactions and retryable write commands. autocommit:false was not provided, and ' +
        `${name} is not a retryable write command.`,
    );
  }
  const level = (readConcern as Document | undefined)?.level as unknown;
  const takesLevel = level === 'snapshot' ? SNAPSHOT_READS.has(name) : level === undefined || level === 'local' || READS.has(name);
  if (!takesLevel) {
    invalid(`Command ${name} does not support { readConcern: { level: "${String(level)}" } } :: caused by :: read concern not supported`);
  }
}

function checkInside(name: string, body: Document, db: string): void {
  if (name === 'count') {
    unsupported(
      "Cannot run 'count' in a multi-document transaction. Please see http://dochub.mongodb.org/core/transaction-count for a recommended alternative.",
    );
  }
  if (!IN_TRANSACTIONS.has(name)) unsupported(`Cannot run '${name}' in a multi-document transaction.`);
  const isFirst = body.startTransaction === true;
  if (isFirst && NEVER_FIRST.has(name)) unsupported(`Cannot run ${name} as the first operation in a multi-document transaction.`);
  if (SYSTEM_DATABASES.has(db) && !(db === 'admin' && ON_ADMIN.has(name))) {
    unsupported(`Cannot run command against the '${db}' database in a transaction.`);
  }
  if (endsTransaction(name)) {
    if (db !== 'admin') throw new ServerError(CODES.Unauthorized, `${name} may only be run against the admin database.`);
    return;
  }
  if (body.writeConcern !== undefined) invalid('writeConcern is not allowed within a multi-statement transaction');
  if (body.readConcern !== undefined && !isFirst) {
    invalid('Only the first command in a transaction may specify a readConcern');
  }
}

function invalid(message: string): never {
  throw new ServerError(CODES.InvalidOptions, message);
}

function unsupported(message: string): never {
  throw new ServerError(CODES.OperationNotSupportedInTransaction, message);
}
