import type { Document, Timestamp } from 'bson';
import type { ChangeStreamOptions } from '../cursors/change-streams-port.js';
import type { Operation } from '../oplog/operation.js';
import { CODES, ServerError } from '../server-error.js';
import { before, isInvalidate } from './position.js';
import type { Position } from './position.js';
import { positionOf } from './resume-token.js';

/** What is asked of a change stream: the `$changeStream` stage, read. */
export interface Watch {
  readonly scope: 'collection' | 'database' | 'deployment';
  readonly db: string;
  readonly collection: string | undefined;
  readonly fullDocument: 'default' | 'updateLookup' | 'whenAvailable' | 'required';
  readonly fullDocumentBeforeChange: 'off' | 'whenAvailable' | 'required';
  readonly showExpandedEvents: boolean;
  /** Where to start; undefined for now. */
  readonly start: Position | undefined;
}

const FULL_DOCUMENT = ['default', 'updateLookup', 'whenAvailable', 'required'] as const;
const BEFORE_CHANGE = ['off', 'whenAvailable', 'required'] as const;
const INTERNAL_DATABASES: ReadonlySet<string> = new Set(['admin', 'config', 'local']);
const KNOWN_FIELDS: ReadonlySet<string> = new Set([
  'allChangesForCluster',
  'fullDocument',
  'fullDocumentBeforeChange',
  'resumeAfter',
  'showExpandedEvents',
  'startAfter',
  'startAtOperationTime',
]);

/** @throws ServerError for what a real server refuses as well */
export function readWatch({ spec, db, collection }: ChangeStreamOptions): Watch {
  const unknown = Object.keys(spec).find((field) => !KNOWN_FIELDS.has(field));
  if (unknown !== undefined) throw new ServerError(40415, `BSON field '$changeStream.${unknown}' is an unknown field.`);
  return {
    scope: scopeOf(spec, db, collection),
    db,
    collection,
    fullDocument: oneOf(FULL_DOCUMENT, spec, 'fullDocument'),
    fullDocumentBeforeChange: oneOf(BEFORE_CHANGE, spec, 'fullDocumentBeforeChange'),
    showExpandedEvents: spec.showExpandedEvents === true,
    start: startOf(spec),
  };
}

/** Is this operation among what is watched? */
export function concerns({ scope, db, collection, showExpandedEvents }: Watch, operation: Operation): boolean {
  if (operation.kind === 'create' && !showExpandedEvents) return false;
  if (scope === 'deployment') return !INTERNAL_DATABASES.has(operation.db) && !operation.collection.startsWith('system.');
  if (operation.db !== db) return false;
  return scope === 'collection' ? operation.collection === collection : !operation.collection.startsWith('system.');
}

/** Does this operation end the stream? What is watched is gone with it. */
export function invalidates({ scope }: Watch, { kind }: Operation): boolean {
  return (scope === 'collection' && kind === 'drop') || (scope === 'database' && kind === 'dropDatabase');
}

function scopeOf({ allChangesForCluster }: Document, db: string, collection: string | undefined): Watch['scope'] {
  if (allChangesForCluster === true) {
    if (db === 'admin' && collection === undefined) return 'deployment';
    throw new ServerError(
      CODES.InvalidOptions,
      "A $changeStream with 'allChangesForCluster:true' may only be opened on the 'admin' database, and with no collection name",
    );
  }
  if (INTERNAL_DATABASES.has(db))
    throw new ServerError(CODES.InvalidNamespace, `$changeStream may not be opened on the internal ${db} database`);
  return collection === undefined ? 'database' : 'collection';
}

function oneOf<Choice extends string>(choices: readonly [Choice, ...Choice[]], spec: Document, field: string): Choice {
  const value = (spec[field] ?? choices[0]) as Choice;
  if (choices.includes(value)) return value;
  throw new ServerError(CODES.BadValue, `Enumeration value '${value}' for field '$changeStream.${field}' is not a valid value.`);
}

function startOf({ resumeAfter, startAfter, startAtOperationTime }: Document): Position | undefined {
  const given = [resumeAfter, startAfter, startAtOperationTime].filter((start) => start !== undefined && start !== null);
  if (given.length > 1) throw new ServerError(40674, 'Only one type of resume option is allowed, but multiple were found.');
  if (startAtOperationTime) return before(startAtOperationTime as Timestamp);
  if (startAfter) return positionOf(startAfter);
  if (!resumeAfter) return undefined;
  const position = positionOf(resumeAfter);
  if (isInvalidate(position)) {
    throw new ServerError(260, "Attempting to resume a change stream using 'resumeAfter' is not allowed from an invalidate notification.");
  }
  return position;
}
