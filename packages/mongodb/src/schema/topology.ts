import type { MongoDBCollections } from '../mongodb-collections.js';
import { standAlone } from '../mongodb-errors.js';

/** @throws {@link SchemaMismatchError} a server without transactions */
export async function refuseStandAlone({ client }: MongoDBCollections): Promise<void> {
  const hello = await client.db('admin').command({ hello: 1 });
  if (hello.setName === undefined && hello.msg !== 'isdbgrid') throw standAlone();
}
