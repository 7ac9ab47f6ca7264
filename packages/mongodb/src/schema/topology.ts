import { translate, standAlone } from '../mongodb-errors.js';
import type { Document, MongoClient } from 'mongodb';
import type { MongoDBCollections } from '../mongodb-collections.js';

export interface Topology {
  readonly maxWireVersion: number;
}

/** @throws {@link SchemaMismatchError} a server without transactions */
export async function refuseStandAlone({ client }: MongoDBCollections): Promise<Topology> {
  const hello = await helloOf(client).catch((error: unknown) => {
    throw translate(error);
  });
  if (hello['setName'] === undefined && hello['msg'] !== 'isdbgrid') throw standAlone();
  return { maxWireVersion: Number(hello['maxWireVersion']) };
}

async function helloOf(client: MongoClient): Promise<Document> {
  await client.connect(); // a client whose first connection failed stays closed until it is told again
  return client.db('admin').command({ hello: 1 });
}
