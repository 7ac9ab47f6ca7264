import { expect } from 'chai';
import fc from 'fast-check';
import type { Collection, Document, FindOptions } from 'mongodb';
import { Emulated, failureOf } from './server-fixture.js';

const COUNT = 400;

describe('MongoDB emulator: how documents are found', () => {
  let emulated: Emulated;
  let items: Collection<Document>;

  before(async () => {
    emulated = await Emulated.start();
    items = emulated.database().collection('items');
    await items.createIndexes([
      { key: { lane: 1, position: -1 }, name: 'by-lane' },
      { key: { position: 1 }, name: 'pending', partialFilterExpression: { pending: true } },
      { key: { tags: 1 }, name: 'by-tag' },
      { key: { code: 1 }, name: 'by-code', unique: true, sparse: true },
    ]);
    await items.insertMany(
      Array.from({ length: COUNT }, (_, _id) => ({
        _id: _id as never,
        lane: _id % 4,
        position: Math.floor(_id / 4),
        tags: _id % 3 === 0 ? [_id % 5, 5] : _id % 3 === 1 ? _id % 5 : [],
        ...(_id % 10 === 0 ? { pending: true, code: `code-${_id}` } : {}),
      })),
    );
  });

  after(async () => {
    await emulated.close();
  });

  interface Explained {
    readonly index: string | undefined;
    readonly sorts: boolean;
    readonly examined: number;
  }

  const explain = async (filter: Document, options: FindOptions = {}): Promise<Explained> => {
    const { queryPlanner, executionStats } = await items.find(filter, options).explain('executionStats');
    const { winningPlan } = queryPlanner as { winningPlan: Document };
    const text = JSON.stringify(winningPlan);
    const index = /"indexName":"([^"]+)"/.exec(text)?.[1];
    return { index, sorts: text.includes('"SORT"'), examined: (executionStats as { totalDocsExamined: number }).totalDocsExamined };
  };

  it('by _id looks at the documents that are named', async () => {
    expect(await explain({ _id: 7 })).to.deep.equal({ index: '_id_', sorts: false, examined: 1 });
    expect(await explain({ _id: { $in: [7, 8, 1_000] } })).to.include({ index: '_id_', examined: 2 });
    expect(await explain({ _id: { $gte: 10, $lt: 20 } }, { sort: { _id: -1 } })).to.deep.equal({
      index: '_id_',
      sorts: false,
      examined: 10,
    });
  });

  it('by an equality and a range reads the range, in the order of the index or against it', async () => {
    const page = { lane: 2, position: { $gt: 50 } };

    expect(await explain(page, { sort: { position: 1 }, limit: 10 })).to.deep.equal({ index: 'by-lane', sorts: false, examined: 10 });
    expect(await explain(page, { sort: { position: -1 }, limit: 10 })).to.deep.equal({ index: 'by-lane', sorts: false, examined: 10 });
    expect(await explain({ lane: { $in: [1, 2] }, position: 3 })).to.include({ index: 'by-lane', examined: 2 });
  });

  it('by an order alone reads along an index', async () => {
    expect(await explain({}, { sort: { lane: 1, position: -1 }, limit: 5 })).to.deep.equal({ index: 'by-lane', sorts: false, examined: 5 });
    expect(await explain({}, { sort: { lane: 1, position: 1 }, limit: 5 })).to.include({ index: undefined, sorts: true, examined: COUNT });
  });

  it('by a partial index only where the filter implies it', async () => {
    const first = { sort: { position: 1 }, limit: 3 } as const;

    expect(await explain({ pending: true }, first)).to.deep.equal({ index: 'pending', sorts: false, examined: 3 });
    expect(await explain({ position: 20 })).to.include({ index: undefined, examined: COUNT });
  });

  it('by a sparse index only where a document without the field cannot match', async () => {
    expect(await explain({ code: 'code-20' })).to.include({ index: 'by-code', examined: 1 });
    expect(await explain({ code: null })).to.include({ index: undefined });
    expect(await items.countDocuments({ code: null })).to.equal(COUNT - COUNT / 10);
  });

  it('by an index for each branch of $or, or by none', async () => {
    expect(await explain({ $or: [{ _id: 1 }, { lane: 3, position: { $lt: 2 } }] })).to.include({ examined: 3 });
    expect(await explain({ $or: [{ _id: 1 }, { position: 3 }] })).to.include({ index: undefined, examined: COUNT });
  });

  it('as a hint says; one that names nothing is refused', async () => {
    expect(await explain({ lane: 2 }, { hint: '_id_' })).to.include({ index: '_id_', examined: COUNT });
    expect(await explain({ lane: 2 }, { hint: { lane: 1, position: -1 } })).to.include({ index: 'by-lane', examined: COUNT / 4 });
    expect(await failureOf(items.find({}, { hint: 'nobody' }).toArray())).to.include({ code: 2 });
  });

  it('makes no difference to what is found, nor to its order', async () => {
    const value = fc.integer({ min: -1, max: 12 });
    const condition = fc.oneof(
      value,
      fc.record({ $gt: value }),
      fc.record({ $gte: value, $lt: value }),
      fc.record({ $in: fc.array(value, { minLength: 1, maxLength: 3 }) }),
      fc.constant(null),
    );
    const fields = fc.subarray(['_id', 'lane', 'position', 'tags'], { minLength: 1 });
    const simple: fc.Arbitrary<Document> = fields.chain((names) => fc.record(Object.fromEntries(names.map((name) => [name, condition]))));
    const filter = fc.oneof(
      simple,
      simple.map((one) => ({ ...one, pending: true })),
      fc.tuple(simple, simple).map(($or) => ({ $or })),
    );
    const order = fc.constantFrom({ lane: 1, position: -1 }, { lane: -1, position: 1 }, { position: 1 }, { tags: 1 }, { code: -1 });

    await fc.assert(
      fc.asyncProperty(filter, order, async (wanted, by) => {
        const sort = { ...by, _id: 1 } as never; // a whole order, so that there is one right answer
        const planned = await items.find(wanted, { sort }).toArray();
        const scanned = await items.find(wanted, { sort, hint: { $natural: 1 } }).toArray();
        const unsorted = await items.find(wanted).toArray();

        expect(planned).to.deep.equal(scanned);
        expect(new Set(unsorted.map(({ _id }) => _id))).to.deep.equal(new Set(scanned.map(({ _id }) => _id)));
        expect(unsorted).to.have.length(scanned.length);
      }),
      { numRuns: 150 },
    );
  });
});
