import { SchemaMismatchError } from '@waybill/core';
import type { MongoDBCollections } from '../mongodb-collections.js';
import { translate } from '../mongodb-errors.js';
import type { IdentityDocument } from '../stored-documents.js';

/** Of the collections and their indexes; to be raised with whatever older code could not live with. */
export const VERSION = 4;

/** @throws {@link SchemaMismatchError} never migrated, or made for another version or another number of lanes */
export async function refuseUnmigrated(collections: MongoDBCollections): Promise<IdentityDocument> {
  const stored = await migratedIdentity(collections);
  refuseOther(collections, stored);
  return stored;
}

/** @throws {@link SchemaMismatchError} never migrated, or made for another version */
export async function migratedIdentity({ identity, db, prefix }: MongoDBCollections): Promise<IdentityDocument> {
  const stored = await identity.findOne({ _id: 'outbox' }).catch((error: unknown) => {
    throw translate(error);
  });
  const where = `collections ${prefix}* of database "${db.databaseName}"`;
  if (!stored) throw new SchemaMismatchError(`Waybill's ${where} are missing. Run database.migrate() once before anything else.`);
  refuseNewer(where, stored);
  if (stored.version < VERSION || stored.mark === undefined) {
    throw new SchemaMismatchError(
      `The ${where} are at version ${stored.version}, and this package needs ${VERSION}. Stop the processes that run an older one, and run database.migrate() once.`,
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

/** @throws {@link SchemaMismatchError} newer than this package, or made for another number of lanes */
export function refuseOther({ prefix, db, laneCount }: MongoDBCollections, stored: IdentityDocument): void {
  const where = `collections ${prefix}* of database "${db.databaseName}"`;
  refuseNewer(where, stored);
  const { lanes, changing } = stored;
  if (changing) {
    throw new SchemaMismatchError(
      `The ${where} are being changed from ${lanes} lanes to ${changing.to}. If nobody is at it any more, run database.changeLanes() again, with { lanes: ${changing.to} }.`,
    );
  }
  if (lanes !== laneCount) {
    throw new SchemaMismatchError(
      `The ${where} have ${lanes} lanes, but the options say ${laneCount}. It decides where messages are: pass { lanes: ${lanes} }; or stop every dispatcher and run database.changeLanes() once.`,
    );
  }
}

function refuseNewer(where: string, { version }: IdentityDocument): void {
  if (version <= VERSION) return;
  throw new SchemaMismatchError(`The ${where} are at version ${version}, newer than this package's ${VERSION}. Upgrade @waybill/mongodb.`);
}
