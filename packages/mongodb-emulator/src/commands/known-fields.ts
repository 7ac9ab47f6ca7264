import type { Document } from 'bson';
import { ServerError } from '../server-error.js';

/** What any command may carry besides its own fields. */
const ANY_COMMAND = [
  ...['$db', '$clusterTime', '$readPreference', 'lsid', 'txnNumber', 'autocommit', 'startTransaction', 'stmtId', 'stmtIds'],
  ...['readConcern', 'writeConcern', 'maxTimeMS', 'comment', 'apiVersion', 'apiStrict', 'apiDeprecationErrors'],
];
const OF_WRITES = ['ordered', 'bypassDocumentValidation'];

/** The fields of the commands that queries and writes go through. What others carry beyond their fields is passed over. */
const COMMANDS: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  Object.entries({
    insert: ['documents', ...OF_WRITES],
    update: ['updates', 'let', ...OF_WRITES],
    delete: ['deletes', 'let', ...OF_WRITES],
    bulkWrite: ['ops', 'nsInfo', 'errorsOnly', 'let', 'cursor', ...OF_WRITES],
    find: [
      ...['filter', 'sort', 'projection', 'hint', 'skip', 'limit', 'batchSize', 'singleBatch', 'collation', 'let', 'allowDiskUse'],
      ...['max', 'min', 'returnKey', 'showRecordId', 'tailable', 'awaitData', 'noCursorTimeout', 'allowPartialResults'],
    ],
    findAndModify: [
      ...['query', 'sort', 'remove', 'update', 'new', 'fields', 'upsert', 'collation', 'arrayFilters', 'hint', 'let'],
      'bypassDocumentValidation',
    ],
    aggregate: ['pipeline', 'cursor', 'explain', 'allowDiskUse', 'bypassDocumentValidation', 'hint', 'collation', 'let'],
    count: ['query', 'limit', 'skip', 'hint', 'collation', 'fields'],
    distinct: ['key', 'query', 'hint', 'collation'],
    getMore: ['collection', 'batchSize'],
    killCursors: ['cursors'],
  }).map(([name, fields]) => [name, new Set([name, ...ANY_COMMAND, ...fields])]),
);

const STATEMENTS: readonly { readonly list: string; readonly fields: ReadonlySet<string> }[] = [
  { list: 'updates', fields: new Set(['q', 'u', 'multi', 'upsert', 'arrayFilters', 'hint', 'collation', 'sort']) },
  { list: 'deletes', fields: new Set(['q', 'limit', 'hint', 'collation']) },
  {
    list: 'ops',
    fields: new Set([
      ...['insert', 'document', 'update', 'updateMods', 'delete', 'filter', 'multi', 'upsert', 'arrayFilters', 'hint', 'collation', 'sort'],
    ]),
  },
];

/**
 * Refuses a field that the server would not know either: a misspelt option passed over would change what a write does.
 *
 * @throws ServerError 40415
 */
export function refuseUnknownFields(name: string, body: Document): void {
  const known = COMMANDS.get(name);
  if (!known) return;
  for (const field in body) if (!known.has(field)) unknownField(`${name}.${field}`);
  for (const { list, fields } of STATEMENTS) {
    const statements = body[list] as unknown;
    if (!Array.isArray(statements)) continue;
    for (const statement of statements) {
      for (const field in statement) if (!fields.has(field)) unknownField(`${name}.${list}.${field}`);
    }
  }
}

function unknownField(path: string): never {
  throw new ServerError(40415, `BSON field '${path}' is an unknown field.`);
}
