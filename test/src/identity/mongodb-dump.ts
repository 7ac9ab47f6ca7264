import type { Db } from 'mongodb';

/** What mongodump and mongorestore do: documents and indexes into collections that are made anew. */
export async function restoreDump(from: Db, to: Db): Promise<void> {
  for (const { name } of await from.listCollections({}, { nameOnly: true }).toArray()) {
    await to.dropCollection(name).catch(() => {});
    const collection = await to.createCollection(name);
    const documents = await from.collection(name).find({}, { promoteLongs: false }).toArray();
    if (documents.length > 0) await collection.insertMany(documents);
    const indexes = (await from.collection(name).indexes()).filter(({ key }) => !('_id' in key));
    if (indexes.length > 0) await collection.createIndexes(indexes);
  }
}
