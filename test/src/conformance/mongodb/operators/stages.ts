import { Double, Long } from 'bson';
import type { Document } from 'bson';
import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';
import type { Servers, ServerUnderTest } from '../server-under-test.js';
import { exactly, TypedCollection } from './typed-collection.js';

const DOCUMENTS: readonly Document[] = [
  { _id: 1, kind: 'a', n: 1, tags: ['x', 'y'], parent: null },
  { _id: 2, kind: 'b', n: 5, tags: [], parent: 1 },
  { _id: 3, kind: 'a', n: new Double(2.5), tags: 'z', parent: 1 },
  { _id: 4, n: 'text', parent: 3 },
];

interface Case {
  readonly pipeline: readonly Document[];
  readonly gives: readonly unknown[];
}

const CASES: readonly Case[] = [
  { pipeline: [{ $match: { kind: 'a' } }, { $project: { _id: 1 } }], gives: [{ _id: 1 }, { _id: 3 }] },
  { pipeline: [{ $sort: { kind: 1, _id: -1 } }, { $project: { _id: 1 } }], gives: [{ _id: 4 }, { _id: 3 }, { _id: 1 }, { _id: 2 }] },
  { pipeline: [{ $sort: { _id: 1 } }, { $skip: 1 }, { $limit: 2 }, { $project: { _id: 1 } }], gives: [{ _id: 2 }, { _id: 3 }] },
  { pipeline: [{ $match: { kind: 'a' } }, { $count: 'many' }], gives: [{ many: 2 }] },
  { pipeline: [{ $match: { kind: 'c' } }, { $count: 'many' }], gives: [] },
  {
    pipeline: [{ $group: { _id: '$kind', sum: { $sum: '$n' }, count: { $sum: 1 } } }, { $sort: { _id: 1 } }],
    gives: [
      { _id: null, sum: 0, count: 1 },
      { _id: 'a', sum: new Double(3.5), count: 2 },
      { _id: 'b', sum: 5, count: 1 },
    ],
  },
  {
    pipeline: [
      { $sort: { _id: 1 } },
      {
        $group: {
          _id: null,
          avg: { $avg: '$n' },
          min: { $min: '$n' },
          max: { $max: '$n' },
          first: { $first: '$kind' },
          last: { $last: '$kind' },
          all: { $push: '$kind' },
          count: { $count: {} },
        },
      },
    ],
    gives: [{ _id: null, avg: new Double(8.5 / 3), min: 1, max: 'text', first: 'a', last: null, all: ['a', 'b', 'a'], count: 4 }],
  },
  {
    pipeline: [{ $group: { _id: { kind: '$kind' }, n: { $sum: 1 } } }, { $sort: { n: -1 } }, { $limit: 1 }],
    gives: [{ _id: { kind: 'a' }, n: 2 }],
  },
  {
    pipeline: [{ $match: { kind: { $exists: true } } }, { $sortByCount: '$kind' }],
    gives: [
      { _id: 'a', count: 2 },
      { _id: 'b', count: 1 },
    ],
  },
  {
    pipeline: [{ $unwind: '$tags' }, { $project: { tags: 1 } }],
    gives: [
      { _id: 1, tags: 'x' },
      { _id: 1, tags: 'y' },
      { _id: 3, tags: 'z' },
    ],
  },
  {
    pipeline: [
      { $unwind: { path: '$tags', includeArrayIndex: 'at', preserveNullAndEmptyArrays: true } },
      { $match: { _id: { $lt: 3 } } },
      { $project: { tags: 1, at: 1 } },
    ],
    gives: [
      { _id: 1, tags: 'x', at: Long.fromNumber(0) },
      { _id: 1, tags: 'y', at: Long.fromNumber(1) },
      { _id: 2, at: null },
    ],
  },
  {
    pipeline: [
      { $match: { _id: { $in: [1, 4] } } },
      { $lookup: { from: 'c', localField: '_id', foreignField: 'parent', as: 'children' } },
      { $project: { 'children._id': 1 } },
    ],
    gives: [
      { _id: 1, children: [{ _id: 2 }, { _id: 3 }] },
      { _id: 4, children: [] },
    ],
  },
  {
    pipeline: [
      { $match: { _id: 1 } },
      {
        $lookup: {
          from: 'c',
          let: { id: '$_id', kind: '$kind' },
          pipeline: [
            { $match: { $expr: { $and: [{ $eq: ['$parent', '$$id'] }, { $eq: ['$kind', '$$kind'] }] } } },
            { $project: { _id: 1 } },
          ],
          as: 'same',
        },
      },
      { $project: { same: 1 } },
    ],
    gives: [{ _id: 1, same: [{ _id: 3 }] }],
  },
  {
    pipeline: [
      { $match: { _id: 1 } },
      { $project: { _id: 1 } },
      { $unionWith: { coll: 'c', pipeline: [{ $match: { kind: 'b' } }, { $project: { _id: 1 } }] } },
    ],
    gives: [{ _id: 1 }, { _id: 2 }],
  },
  {
    pipeline: [{ $facet: { count: [{ $count: 'n' }], first: [{ $sort: { _id: 1 } }, { $limit: 1 }, { $project: { _id: 1 } }] } }],
    gives: [{ count: [{ n: 4 }], first: [{ _id: 1 }] }],
  },
  { pipeline: [{ $match: { _id: 2 } }, { $replaceRoot: { newRoot: { was: '$$ROOT.kind' } } }], gives: [{ was: 'b' }] },
  {
    pipeline: [{ $match: { _id: 2 } }, { $addFields: { 'x.y': { $add: ['$n', 1] }, n: '$$REMOVE' } }, { $unset: ['tags', 'parent'] }],
    gives: [{ _id: 2, kind: 'b', x: { y: 6 } }],
  },
];

const WRONG: readonly { readonly pipeline: readonly Document[]; readonly code: number }[] = [
  { pipeline: [{ $frobnicate: {} }], code: 40_324 },
  { pipeline: [{ $match: {}, $limit: 1 }], code: 40_323 },
  { pipeline: [{}], code: 40_323 },
  { pipeline: [{ $skip: 0 }, { $match: 1 }], code: 15_959 },
  { pipeline: [{ $limit: 0 }], code: 15_958 },
  { pipeline: [{ $skip: 0 }, { $sort: {} }], code: 15_976 },
  { pipeline: [{ $sort: { a: 2 } }], code: 15_975 },
  { pipeline: [{ $group: { n: { $sum: 1 } } }], code: 15_955 },
  { pipeline: [{ $group: { _id: 1, n: 1 } }], code: 40_234 },
  { pipeline: [{ $group: { _id: 1, n: { $frobnicate: 1 } } }], code: 15_952 },
  { pipeline: [{ $project: {} }], code: 51_272 },
  { pipeline: [{ $project: { a: { $frobnicate: 1 } } }], code: 31_325 },
  { pipeline: [{ $set: { a: { $frobnicate: 1 } } }], code: 168 },
  { pipeline: [{ $unwind: 'tags' }], code: 28_818 },
  { pipeline: [{ $replaceRoot: { newRoot: '$n' } }], code: 40_228 },
  { pipeline: [{ $count: '' }], code: 40_157 },
];

export function stages({ open }: Servers): void {
  describe('aggregation stages', () => {
    let server: ServerUnderTest;
    let collection: TypedCollection;

    before(async () => {
      server = await open();
      collection = await TypedCollection.on(server);
      await collection.insert(...DOCUMENTS);
    });
    after(() => server.close());

    for (const { pipeline, gives } of CASES) {
      it(`${JSON.stringify(pipeline)} gives ${JSON.stringify(gives)}`, async () => {
        expect(exactly(await collection.aggregate(...pipeline))).to.equal(exactly(gives));
      });
    }

    for (const { pipeline, code } of WRONG) {
      it(`${JSON.stringify(pipeline)} is refused with ${code}`, async () => {
        expect(await collection.aggregateCode(...pipeline)).to.equal(code);
      });
    }

    it('a set keeps each value of a group once', async () => {
      const [group] = await collection.aggregate({ $group: { _id: null, kinds: { $addToSet: '$kind' } } });

      expect(group!['kinds']).to.have.members(['a', 'b']);
    });
  });
}
