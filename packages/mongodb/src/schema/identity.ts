import { SchemaMismatchError } from '@waybill/core';
import type { MongoDBCollections } from '../mongodb-collections.js';
import { translate } from '../mongodb-errors.js';
import type { IdentityDocument } from '../stored-documents.js';

/** Of the collections and their indexes; to be raised with whatever older code could not live with. */
export const VERSION = 2;

/** @throws {@link SchemaMismatchError} never migrated, or made for another version or another number of lanes */
export async function refuseUnmigrated(collections: MongoDBCollections): Promise<IdentityDocument> {
  const { identity, db, prefix } = collections;
  const stored = await identity.findOne({ _id: 'outbox' }).catch((error: unknown) => {
    throw translate(error);
  });
  if (!stored) {
    throw new SchemaMismatchError(
      `Waybill's collections are missing in database "${db.databaseName}" (prefix "${prefix}"). Run database.migrate() once before anything else.`,
    );
  }
  refuseOther(collections, stored);
  if (stored.version < VERSION) {
    throw new SchemaMismatchError(
      `The collections ${prefix}* of database "${db.databaseName}" are at version ${stored.version}, and this package needs ${VERSION}. Stop the processes that run an older one, and run database.migrate() once.`,
    );
  }
  return stored;
}

/** A dump that is restored makes collections anew, with UUIDs of their own. */
export async function outboxUuid({ db, outbox }: MongoDBCollections): Promise<string> {
  const [found] = await db.listCollections({ name: outbox.collectionName }, { nameOnly: false }).toArray();
  const uuid = found && 'info' in found ? found.info?.uuid : undefined;
  return uuid?.toString('hex') ?? '';
}

export function refuseOther({ prefix, db, laneCount }: MongoDBCollections, { version, lanes }: IdentityDocument): void {
  const where = `The collections ${prefix}* of database "${db.databaseName}"`;
  if (version > VERSION) {
    throw new SchemaMismatchError(`${where} are at version ${version}, newer than this package's ${VERSION}. Upgrade @waybill/mongodb.`);
  }
  if (lanes !== laneCount) {
    throw new SchemaMismatchError(
      `${where} were made with ${lanes} lanes, but the options say ${laneCount}. The number is fixed when they are made, for it decides where messages are: pass { lanes: ${lanes} }, or use another prefix.`,
    );
  }
}
