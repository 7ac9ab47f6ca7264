import { translate, standAlone } from '../mongodb-errors.js';
import type { MongoDBCollections } from '../mongodb-collections.js';

export interface Topology {
  readonly maxWireVersion: number;
}

/** @throws {@link SchemaMismatchError} a server without transactions */
export async function refuseStandAlone({ client }: MongoDBCollections): Promise<Topology> {
  const hello = await client
    .db('admin')
    .command({ hello: 1 })
    .catch((error: unknown) => {
      throw translate(error);
    });
  if (hello['setName'] === undefined && hello['msg'] !== 'isdbgrid') throw standAlone();
  return { maxWireVersion: Number(hello['maxWireVersion']) };
}
