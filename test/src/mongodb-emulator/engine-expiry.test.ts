import { eventually } from '@waybill/testing';
import { expect } from 'chai';
import type { Collection } from 'mongodb';
import { Emulated } from './server-fixture.js';

interface Claim {
  readonly _id: number;
  readonly at?: Date | string;
  readonly held?: boolean;
}

const minutesAgo = (minutes: number): Date => new Date(Date.now() - minutes * 60_000);

describe('MongoDB emulator: documents whose time is up', () => {
  let emulated: Emulated;
  let claims: Collection<Claim>;

  beforeEach(async () => {
    emulated = await Emulated.start({ ttlIntervalMs: 20 });
    claims = emulated.database().collection('claims');
    await claims.createIndex({ at: 1 }, { expireAfterSeconds: 60 });
  });

  afterEach(async () => {
    await emulated.close();
  });

  const left = async (): Promise<number[]> => (await claims.find().sort({ _id: 1 }).toArray()).map(({ _id }) => _id);
  const whenLeft = (ids: readonly number[]): Promise<true> =>
    eventually(`only ${String(ids)} are left`, async () => String(await left()) === String(ids) || undefined);

  it('go; the others stay, those without a time for ever', async () => {
    await claims.insertMany([{ _id: 1, at: minutesAgo(2) }, { _id: 2, at: minutesAgo(0) }, { _id: 3, at: 'yesterday' }, { _id: 4 }]);

    await whenLeft([2, 3, 4]);
  });

  it('go and are told of as deleted', async () => {
    const changes = claims.watch();
    const first = changes.next();
    await claims.insertMany([{ _id: 1, at: minutesAgo(2) }]);

    expect((await first).operationType).to.equal('insert');
    expect(await changes.next()).to.deep.include({ operationType: 'delete', documentKey: { _id: 1 } });
    await changes.close();
  });

  it('wait for an open transaction that has written them', async () => {
    const client = emulated.connect();
    const session = client.startSession();
    await claims.insertOne({ _id: 1, at: minutesAgo(0) });
    const own = client.db('test').collection<Claim>('claims');
    session.startTransaction();
    await own.updateOne({ _id: 1 }, { $set: { held: true } }, { session });
    await claims.insertOne({ _id: 2, at: minutesAgo(2) });

    await whenLeft([1]);
    await own.updateOne({ _id: 1 }, { $set: { at: minutesAgo(2) } }, { session });
    await session.commitTransaction();
    await session.endSession();

    await whenLeft([]);
  });
});
