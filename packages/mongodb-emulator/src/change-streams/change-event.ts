import { Binary } from 'bson';
import type { Document } from 'bson';
import type { ChangeSource } from '../cursors/change-streams-port.js';
import type { Operation } from '../oplog/operation.js';
import type { OplogEntry } from '../oplog/oplog.js';
import { eventPlace, invalidatePlace } from './position.js';
import { tokenOf } from './resume-token.js';
import type { Watch } from './watch.js';

/** Which operation of which commit an event tells of. */
export interface Change {
  readonly entry: OplogEntry;
  readonly operation: Operation;
  /** The operation's number in its entry. */
  readonly number: number;
}

/** What sessions belong to when nobody has logged in: the digest of no name. */
const NOBODY = Binary.createFromHexString('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');

/** A change as change streams tell it. */
export function changeEvent({ entry, operation, number }: Change, watch: Watch, source: ChangeSource): Document {
  const { kind, db, collection, key } = operation;
  return {
    _id: tokenOf({ time: entry.clusterTime, place: eventPlace(number) }),
    operationType: kind,
    clusterTime: entry.clusterTime,
    wallTime: entry.wallTime,
    ...(entry.lsid ? { lsid: { uid: NOBODY, ...entry.lsid }, txnNumber: entry.txnNumber } : {}),
    ...fullDocument(operation, watch, source),
    ns: kind === 'dropDatabase' ? { db } : { db, coll: collection },
    ...(key ? { documentKey: key } : {}),
    ...(operation.updateDescription ? { updateDescription: operation.updateDescription } : {}),
    ...(watch.fullDocumentBeforeChange !== 'off' && operation.before ? { fullDocumentBeforeChange: operation.before } : {}),
  };
}

/** What comes behind the event of an operation that leaves nothing to watch. */
export function invalidateEvent({ entry, number }: Change): Document {
  return {
    _id: tokenOf({ time: entry.clusterTime, place: invalidatePlace(number) }),
    operationType: 'invalidate',
    clusterTime: entry.clusterTime,
    wallTime: entry.wallTime,
  };
}

/** Inserts and replacements bring their document along; for updates it depends on what was asked for. */
function fullDocument({ kind, db, collection, key, after }: Operation, watch: Watch, source: ChangeSource): Document {
  if (kind === 'insert' || kind === 'replace') return { fullDocument: after };
  if (kind !== 'update' || watch.fullDocument === 'default') return {};
  if (watch.fullDocument !== 'updateLookup') return { fullDocument: after };
  return { fullDocument: source.currentDocument(db, collection, key!) ?? null };
}
