import type { Document } from 'bson';
import { CODES, ServerError } from '../server-error.js';
import type { CollectionIndex } from './collection-index.js';
import type { Collection } from './collection.js';
import type { Ending } from './ending.js';
import type { Isolation } from './isolation.js';
import type { IndexKey } from './key-range.js';
import type { StoredRecord } from './stored-record.js';
import type { Version } from './version.js';
import type { Access } from './write-set.js';

/**
 * Asks whether a document may be written now. The first writer wins: a transaction that comes second ends; a plain command waits for the
 * first writer to end.
 */
export class LeaveToWrite {
  constructor(private readonly isolation: Isolation) {}

  /**
   * @returns what a plain command has to wait for; undefined if nothing is in the way
   * @throws ServerError 112
   */
  obstacleAt(record: StoredRecord, access: Access): Ending | undefined {
    const { newest } = record;
    return newest && this.isolation.conflicts(access, newest) ? obstacleIn(newest, access) : undefined;
  }

  /**
   * As {@link obstacleAt}, for the document's keys in unique indexes, `_id` included.
   *
   * @param before - the state that is replaced; its keys are free for it
   * @throws ServerError 112; 11000 if another document that this reader sees has the key
   */
  obstacleAtKeys(collection: Collection, record: StoredRecord | undefined, change: Keyed, access: Access): Ending | undefined {
    if (record && !change.before) {
      const obstacle = this.#obstacleAtId(collection, record, change.after, access);
      if (obstacle) return obstacle;
    }
    for (const index of collection.indexes) {
      if (!index.definition.isUnique || index === collection.idIndex) continue;
      if (change.before && index.ignores(change.before, change.after)) continue;
      for (const key of index.keysOf(change.after)) {
        const obstacle = this.#obstacleAtKey({ collection, index, key }, record, access);
        if (obstacle) return obstacle;
      }
    }
    return undefined;
  }

  #obstacleAtId(collection: Collection, record: StoredRecord, { _id }: Document, access: Access): Ending | undefined {
    const isThere = record.seenBy(access, this.isolation) !== undefined;
    if ((record.newest?.document !== undefined) !== isThere) {
      const obstacle = this.obstacleAt(record, access);
      if (obstacle) return obstacle;
    }
    if (isThere) throw duplicateKey({ collection, index: collection.idIndex, key: [_id] });
    // A record whose states are all deleted again may still be somebody else's to write.
    return this.obstacleAt(record, access);
  }

  #obstacleAtKey(place: KeyPlace, self: StoredRecord | undefined, access: Access): Ending | undefined {
    const { index, key } = place;
    for (const other of index.withKey(key)) {
      if (other === self) continue;
      const isTaken = index.has(other.seenBy(access, this.isolation), key);
      const { newest } = other;
      if (newest && this.#hasChanged({ ...place, isTaken }, other, access) && this.isolation.conflictsAtKey(access, newest)) {
        return obstacleIn(newest, access);
      }
      if (isTaken) throw duplicateKey(place);
    }
    return undefined;
  }

  /** Whether the key has been taken or set free by a state that is newer than what is seen, even if it is as before by now. */
  #hasChanged({ index, key, isTaken }: KeyPlace & { readonly isTaken: boolean }, other: StoredRecord, access: Access): boolean {
    for (const version of other.versions()) {
      if (this.isolation.sees(access, version)) return false;
      if (index.has(version.document, key) !== isTaken) return true;
    }
    return false;
  }
}

interface Keyed {
  readonly before: Document | undefined;
  readonly after: Document;
}

interface KeyPlace {
  readonly collection: Collection;
  readonly index: CollectionIndex;
  readonly key: IndexKey;
}

/** @throws ServerError 112 */
function obstacleIn(newest: Version, access: Access): Ending {
  if (access.writer || !newest.writer) throw writeConflict();
  return newest.writer.ending;
}

export function writeConflict(): ServerError {
  return new ServerError(
    CODES.WriteConflict,
    'Caused by :: Write conflict during plan execution and yielding is disabled. :: Please retry your operation or multi-document transaction.',
  );
}

export function duplicateKey({ collection, index, key }: KeyPlace): ServerError {
  const { definition } = index;
  const keyValue = Object.fromEntries(definition.fields.map(({ path }, at) => [path, key[at]]));
  const shown = definition.fields.map(({ path }, at) => `${path}: ${shownInError(key[at])}`).join(', ');
  return new ServerError(
    CODES.DuplicateKey,
    `E11000 duplicate key error collection: ${collection.namespace} index: ${definition.name} dup key: { ${shown} }`,
    { keyPattern: definition.key, keyValue },
  );
}

function shownInError(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (value === null || typeof value !== 'object') return String(value);
  const { _bsontype: type } = value as { readonly _bsontype?: string };
  if (type === 'ObjectId') return `ObjectId('${(value as { toHexString(): string }).toHexString()}')`;
  if (type === 'Int32' || type === 'Double' || type === 'Long') return (value as { toString(): string }).toString();
  if (value instanceof Date) return `new Date(${value.getTime()})`;
  return JSON.stringify(value);
}
