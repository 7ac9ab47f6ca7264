import { expect } from 'chai';
import type { ChangeStream, ChangeStreamDocument, Document, MongoClient, Timestamp } from 'mongodb';
import { Emulated, failureOf } from './server-fixture.js';

interface Item {
  readonly _id: number;
  readonly state?: string;
}

/** How long a request for more waits when there is nothing; a second else. */
const BRIEFLY = { maxAwaitTimeMS: 30 };

describe('MongoDB emulator: change streams', () => {
  let emulated: Emulated;
  let client: MongoClient;
  const streams: { close(): Promise<void> }[] = [];

  beforeEach(async () => {
    emulated = await Emulated.start();
    client = emulated.connect();
    await items().insertOne({ _id: 0 });
  });

  afterEach(async () => {
    await Promise.all(streams.splice(0).map((stream) => stream.close()));
    await emulated.close();
  });

  const items = () => client.db('test').collection<Item>('items');
  const following = <Stream extends ChangeStream<Document, ChangeStreamDocument>>(stream: Stream): Stream => {
    streams.push(stream);
    return stream;
  };
  /** A driver's stream begins with its first request; one that has nothing to tell yet is opened so. */
  const opened = async <Stream extends ChangeStream<Document, ChangeStreamDocument>>(stream: Stream): Promise<Stream> => {
    await following(stream).tryNext();
    return stream;
  };
  const next = async (stream: ChangeStream<Item>, count: number): Promise<ChangeStreamDocument<Item>[]> => {
    const events: ChangeStreamDocument<Item>[] = [];
    while (events.length < count) events.push(await stream.next());
    return events;
  };
  const insertedIds = (events: readonly ChangeStreamDocument<Item>[]): number[] =>
    events.map((event) => (event.operationType === 'insert' ? event.fullDocument._id : -1));
  const insertInTransaction = (...ids: number[]): Promise<void> =>
    client.withSession((session) =>
      session.withTransaction(async () => {
        for (const _id of ids) await items().insertOne({ _id }, { session });
      }),
    );

  it('tell of inserts, updates, replacements and deletions, in their order', async () => {
    const stream = await opened(items().watch([], BRIEFLY));

    await items().insertOne({ _id: 1, state: 'new' });
    await items().updateOne({ _id: 1 }, { $set: { state: 'old' } });
    await items().updateOne({ _id: 1 }, { $unset: { state: '' } });
    await items().replaceOne({ _id: 1 }, { state: 'replaced' });
    await items().deleteOne({ _id: 1 });
    const [inserted, updated, unset, replaced, deleted] = await next(stream, 5);

    expect(inserted).to.deep.include({
      operationType: 'insert',
      fullDocument: { _id: 1, state: 'new' },
      ns: { db: 'test', coll: 'items' },
    });
    expect(updated).to.deep.include({ operationType: 'update', documentKey: { _id: 1 } });
    expect(updated).to.have.deep.nested.property('updateDescription.updatedFields', { state: 'old' });
    expect(updated).not.to.have.property('fullDocument');
    expect(unset).to.have.deep.nested.property('updateDescription.removedFields', ['state']);
    expect(replaced).to.deep.include({ operationType: 'replace', fullDocument: { _id: 1, state: 'replaced' } });
    expect(deleted).to.deep.include({ operationType: 'delete', documentKey: { _id: 1 } });
  });

  it('look the document up as it is by then, if asked to', async () => {
    const stream = await opened(items().watch([], { ...BRIEFLY, fullDocument: 'updateLookup' }));

    await items().updateOne({ _id: 0 }, { $set: { state: 'a' } });
    await items().updateOne({ _id: 0 }, { $set: { state: 'b' } });
    const [first] = await next(stream, 2);
    await items().updateOne({ _id: 0 }, { $set: { state: 'c' } });
    await items().deleteOne({ _id: 0 });
    const [third] = await next(stream, 1);

    expect(first).to.deep.include({ fullDocument: { _id: 0, state: 'b' } });
    expect(third).to.deep.include({ fullDocument: null });
  });

  it('tell of a transaction at its commit, all at one time, and can go on between any two of its events', async () => {
    const stream = await opened(items().watch([], BRIEFLY));

    await insertInTransaction(1, 2, 3);
    const events = await next(stream, 3);
    const tokens = events.map(({ _id }) => (_id as { readonly _data: string })._data);
    const behindFirst = following(items().watch([], { resumeAfter: events[0]!._id }));
    const behindSecond = following(items().watch([], { startAfter: events[1]!._id }));

    expect(insertedIds(events)).to.deep.equal([1, 2, 3]);
    expect(new Set(events.map(({ clusterTime }) => clusterTime!.toBigInt()))).to.have.lengthOf(1);
    expect(events[0]).to.include.keys('lsid', 'txnNumber');
    expect([...new Set(tokens)].sort()).to.deep.equal(tokens);
    expect(insertedIds(await next(behindFirst, 2))).to.deep.equal([2, 3]);
    expect(insertedIds(await next(behindSecond, 1))).to.deep.equal([3]);
  });

  it('show nothing of a transaction that was aborted', async () => {
    const stream = await opened(items().watch([], BRIEFLY));

    await failureOf(
      client.withSession((session) =>
        session.withTransaction(async () => {
          await items().insertOne({ _id: 1 }, { session });
          throw new Error('no');
        }),
      ),
    );
    await items().insertOne({ _id: 2 });

    expect(insertedIds(await next(stream, 1))).to.deep.equal([2]);
  });

  it('cover a database, or everything', async () => {
    const database = await opened(client.db('test').watch([], BRIEFLY));
    const everything = await opened(client.watch([], BRIEFLY));

    await client.db('test').collection('a').insertOne({});
    await client.db('other').collection('b').insertOne({});
    await client.db('test').collection('c').insertOne({});
    const names = async (stream: ChangeStream, count: number): Promise<string[]> =>
      (await next(stream as ChangeStream<Item>, count)).map((event) => ('ns' in event && 'coll' in event.ns ? event.ns.coll : ''));

    expect(await names(database, 2)).to.deep.equal(['a', 'c']);
    expect(await names(everything, 3)).to.deep.equal(['a', 'b', 'c']);
  });

  it('take stages behind them, and refuse those that drop the token', async () => {
    const stages = [{ $match: { 'fullDocument.state': 'wanted' } }, { $project: { 'fullDocument._id': 1 } }];
    const stream = await opened(items().watch(stages, BRIEFLY));
    const broken = await opened(items().watch([{ $project: { _id: 0 } }], BRIEFLY));

    await items().insertMany([{ _id: 1 }, { _id: 2, state: 'wanted' }, { _id: 3 }]);
    const event = await stream.next();
    const failure = await failureOf(broken.next());

    expect(event).to.deep.equal({ _id: (event as { _id: unknown })._id, fullDocument: { _id: 2 } });
    expect(failure).to.include({ code: 280 });
  });

  it('begin at a time, what was committed then included', async () => {
    const { operationTime } = await client.db('test').command({ insert: 'items', documents: [{ _id: 1 }] });
    await items().insertOne({ _id: 2 });

    const stream = following(items().watch([], { startAtOperationTime: operationTime as Timestamp }));

    expect(insertedIds(await next(stream, 2))).to.deep.equal([1, 2]);
  });

  it('end when their collection is dropped, and go on after that only with startAfter', async () => {
    const stream = await opened(items().watch([], BRIEFLY));

    await items().drop();
    const [dropped, invalidated] = await next(stream, 2);
    await items().insertOne({ _id: 1 });
    const refused = await failureOf(items().watch([], { resumeAfter: invalidated!._id }).next());
    const again = following(items().watch([], { startAfter: invalidated!._id }));

    expect([dropped!.operationType, invalidated!.operationType]).to.deep.equal(['drop', 'invalidate']);
    expect(refused.code).to.equal(260);
    expect(insertedIds(await next(again, 1))).to.deep.equal([1]);
  });

  it('are resumed by the driver after a kill, with nothing lost or doubled', async () => {
    const stream = await opened(items().watch([], BRIEFLY));
    await insertInTransaction(1, 2);
    const before = await next(stream, 1);

    await emulated.emulator.restart();
    await emulated.connect().db('test').collection<Item>('items').insertOne({ _id: 3 });
    const after = await next(stream, 2);

    expect(insertedIds([...before, ...after])).to.deep.equal([1, 2, 3]);
  });

  it('are resumed by the driver after a failure of getMore that allows it', async () => {
    const stream = await opened(items().watch([], BRIEFLY));
    await emulated.failPoint('failGetMoreAfterCursorCheckout', { times: 1 }, { errorCode: 10_107, closeConnection: false });
    await items().insertOne({ _id: 1 });

    expect(insertedIds(await next(stream, 1))).to.deep.equal([1]);
    expect(emulated.emulator.commands.count('aggregate')).to.equal(2);
  });

  it('fail for good when what they have to go on with is not there any more', async () => {
    const stream = await opened(items().watch([], BRIEFLY));
    await items().insertOne({ _id: 1 });
    const [{ _id: token }] = (await next(stream, 1)) as [ChangeStreamDocument<Item>];
    await items().insertOne({ _id: 2 });

    emulated.emulator.truncateOplog();
    const behind = await failureOf(stream.next());
    const resumed = await failureOf(items().watch([], { resumeAfter: token }).next());

    expect(behind).to.include({ code: 286 });
    expect(behind.errorLabels).to.include('NonResumableChangeStreamError');
    expect(resumed).to.include({ code: 286 });
  });

  it('that have read everything go on when the past is forgotten', async () => {
    const stream = await opened(items().watch([], BRIEFLY));

    emulated.emulator.truncateOplog();
    await items().insertOne({ _id: 1 });

    expect(insertedIds(await next(stream, 1))).to.deep.equal([1]);
  });

  it('are refused to whoever may not have them', async () => {
    const guarded = await Emulated.start({ changeStreams: 'not-authorized' });

    const failure = await failureOf(guarded.database().collection('c').watch([], BRIEFLY).next());
    await guarded.close();

    expect(failure).to.include({ code: 13, codeName: 'Unauthorized' });
  });
});
