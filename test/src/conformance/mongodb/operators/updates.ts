import { Decimal128, Double, Long } from 'bson';
import type { Document } from 'bson';
import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';
import type { Servers, ServerUnderTest } from '../server-under-test.js';
import { exactly, TypedCollection } from './typed-collection.js';

interface Case {
  readonly of: Document;
  readonly u: Document | Document[];
  readonly gives: Document;
  /** `q`, `arrayFilters` */
  readonly with?: Document;
}

const long = (value: number): Long => Long.fromNumber(value);
const double = (value: number): Double => new Double(value);
const decimal = (text: string): Decimal128 => Decimal128.fromString(text);

/** Values are as after the update; `_id` goes without saying. */
const CASES: readonly Case[] = [
  { of: { b: 1 }, u: { $set: { d: 1, c: 1, b: 2 } }, gives: { b: 2, c: 1, d: 1 } },
  { of: {}, u: { $set: { 'x.y.z': 1 } }, gives: { x: { y: { z: 1 } } } },
  { of: {}, u: { $set: { 'x.0': 1 } }, gives: { x: { 0: 1 } } },
  { of: { a: [1] }, u: { $set: { 'a.3': 4 } }, gives: { a: [1, null, null, 4] } },
  { of: { a: 1 }, u: { $set: { a: double(1) } }, gives: { a: double(1) } },
  { of: { a: 1, b: 2 }, u: { $unset: { a: '', z: '', 'b.c': '' } }, gives: { b: 2 } },
  { of: { a: [1, 2, 3] }, u: { $unset: { 'a.1': '' } }, gives: { a: [1, null, 3] } },
  { of: { a: 1 }, u: { $setOnInsert: { b: 1 } }, gives: { a: 1 } },
  { of: { a: 1 }, u: { $inc: { a: 2, b: long(3) } }, gives: { a: 3, b: long(3) } },
  { of: { a: 1 }, u: { $inc: { a: long(1) } }, gives: { a: long(2) } },
  { of: { a: 1 }, u: { $inc: { a: double(0.5) } }, gives: { a: double(1.5) } },
  { of: { a: double(1) }, u: { $inc: { a: 1 } }, gives: { a: double(2) } },
  { of: { a: 1 }, u: { $inc: { a: decimal('0.10') } }, gives: { a: decimal('1.10') } },
  { of: { a: 2_147_483_647 }, u: { $inc: { a: 1 } }, gives: { a: long(2_147_483_648) } },
  { of: { a: Long.fromString('9007199254740993') }, u: { $inc: { a: 1 } }, gives: { a: Long.fromString('9007199254740994') } },
  { of: { a: 3 }, u: { $mul: { a: 4, b: long(2), c: double(2) } }, gives: { a: 12, b: long(0), c: double(0) } },
  { of: { a: 65_536 }, u: { $mul: { a: 65_536 } }, gives: { a: long(4_294_967_296) } },
  { of: { a: 5, b: 5 }, u: { $min: { a: 3, b: 7, c: 1 } }, gives: { a: 3, b: 5, c: 1 } },
  { of: { a: 5, b: 5 }, u: { $max: { a: 3, b: 7, c: 1 } }, gives: { a: 5, b: 7, c: 1 } },
  { of: { a: 5 }, u: { $max: { a: 'text' } }, gives: { a: 'text' } },
  { of: { a: 5 }, u: { $min: { a: double(5) } }, gives: { a: 5 } },
  { of: { a: 1, c: 3 }, u: { $rename: { a: 'b', nobody: 'c' } }, gives: { c: 3, b: 1 } },
  { of: { a: 1 }, u: { $rename: { a: 'x.y' } }, gives: { x: { y: 1 } } },
  { of: {}, u: { $push: { a: 1 } }, gives: { a: [1] } },
  { of: { a: [1] }, u: { $push: { a: [2, 3] } }, gives: { a: [1, [2, 3]] } },
  { of: { a: [1] }, u: { $push: { a: { $each: [2, 3] } } }, gives: { a: [1, 2, 3] } },
  { of: { a: [1, 2] }, u: { $push: { a: { $each: [3], $position: -1 } } }, gives: { a: [1, 3, 2] } },
  { of: { a: [5, 2] }, u: { $push: { a: { $each: [9, 1], $sort: -1, $slice: 3 } } }, gives: { a: [9, 5, 2] } },
  { of: { a: [1, 2] }, u: { $push: { a: { $each: [3], $slice: -2 } } }, gives: { a: [2, 3] } },
  { of: { a: [{ n: 2 }] }, u: { $push: { a: { $each: [{ n: 1 }], $sort: { n: 1 } } } }, gives: { a: [{ n: 1 }, { n: 2 }] } },
  { of: { a: [1, 2] }, u: { $addToSet: { a: double(2) } }, gives: { a: [1, 2] } },
  { of: { a: [1] }, u: { $addToSet: { a: { $each: [2, 1, 2, 3] } } }, gives: { a: [1, 2, 3] } },
  {
    of: { a: [{ x: 1, y: 2 }] },
    u: { $addToSet: { a: { y: 2, x: 1 } } },
    gives: {
      a: [
        { x: 1, y: 2 },
        { y: 2, x: 1 },
      ],
    },
  },
  { of: { a: [1, 2, 3, 2] }, u: { $pull: { a: 2 } }, gives: { a: [1, 3] } },
  { of: { a: [1, 5, 9] }, u: { $pull: { a: { $gte: 5 } } }, gives: { a: [1] } },
  { of: { a: [{ x: 1, y: 1 }, { x: 2 }, 7] }, u: { $pull: { a: { x: 1 } } }, gives: { a: [{ x: 2 }, 7] } },
  { of: { a: [1, 2, 3, 2] }, u: { $pullAll: { a: [2, 3] } }, gives: { a: [1] } },
  { of: { a: [1, 2, 3], b: [1, 2] }, u: { $pop: { a: 1, b: -1, c: 1 } }, gives: { a: [1, 2], b: [2] } },
  { of: { a: 13 }, u: { $bit: { a: { and: 10 }, b: { or: 5 } } }, gives: { a: 8, b: 5 } },
  { of: { a: 1 }, u: { $bit: { a: { xor: long(3) } } }, gives: { a: long(2) } },
  { of: { a: [1, 5, 9] }, u: { $set: { 'a.$': 0 } }, with: { q: { a: 5 } }, gives: { a: [1, 0, 9] } },
  { of: { a: [{ b: 1 }, { b: 2 }] }, u: { $inc: { 'a.$.c': 1 } }, with: { q: { 'a.b': 2 } }, gives: { a: [{ b: 1 }, { b: 2, c: 1 }] } },
  {
    of: { a: [{ b: 1 }, { b: 2 }] },
    u: { $set: { 'a.$.b': 0 } },
    with: { q: { a: { $elemMatch: { b: { $gt: 1 } } } } },
    gives: { a: [{ b: 1 }, { b: 0 }] },
  },
  { of: { a: [1, 2] }, u: { $mul: { 'a.$[]': 2 } }, gives: { a: [2, 4] } },
  { of: { a: [{ b: [1, 2] }, { b: [3] }] }, u: { $inc: { 'a.$[].b.$[]': 1 } }, gives: { a: [{ b: [2, 3] }, { b: [4] }] } },
  { of: { a: [1, 5, 9] }, u: { $set: { 'a.$[big]': 0 } }, with: { arrayFilters: [{ big: { $gt: 4 } }] }, gives: { a: [1, 0, 0] } },
  {
    of: {
      a: [
        { k: 'x', n: 1 },
        { k: 'y', n: 1 },
      ],
    },
    u: { $inc: { 'a.$[e].n': 1 } },
    with: { arrayFilters: [{ 'e.k': 'y', 'e.n': { $lt: 5 } }] },
    gives: {
      a: [
        { k: 'x', n: 1 },
        { k: 'y', n: 2 },
      ],
    },
  },
  { of: { a: 1, b: 2 }, u: { c: 3 }, gives: { c: 3 } },
  { of: { a: 1 }, u: [{ $set: { b: { $add: ['$a', 1] } } }, { $unset: 'a' }], gives: { b: 2 } },
  { of: { a: 1 }, u: [{ $replaceWith: { x: '$a' } }], gives: { x: 1 } },
  { of: { a: 1 }, u: [{ $set: { a: '$$REMOVE', b: '$$ROOT.a' } }], gives: { b: 1 } },
  { of: { a: { b: 1 } }, u: [{ $set: { a: { c: 2 } } }], gives: { a: { b: 1, c: 2 } } },
  { of: { a: [1, { b: 1 }] }, u: [{ $set: { 'a.c': 2 } }], gives: { a: [{ c: 2 }, { b: 1, c: 2 }] } },
];

interface Refusal {
  readonly of: Document;
  readonly u: Document | Document[];
  readonly code: number;
  readonly with?: Document;
}

const REFUSED: readonly Refusal[] = [
  { of: { a: 'x' }, u: { $inc: { a: 1 } }, code: 14 },
  { of: { a: null }, u: { $inc: { a: 1 } }, code: 14 },
  { of: {}, u: { $inc: { a: 'x' } }, code: 14 },
  { of: {}, u: { $mul: { a: true } }, code: 14 },
  { of: { a: Long.MAX_VALUE }, u: { $inc: { a: 1 } }, code: 2 },
  { of: { a: Long.MAX_VALUE }, u: { $mul: { a: 2 } }, code: 2 },
  { of: { a: 1 }, u: { $push: { a: 1 } }, code: 2 },
  { of: { a: [] }, u: { $push: { a: { $each: 1 } } }, code: 2 },
  { of: { a: [] }, u: { $push: { a: { $each: [], $frobnicate: 1 } } }, code: 2 },
  { of: { a: 1 }, u: { $addToSet: { a: 1 } }, code: 2 },
  { of: { a: 1 }, u: { $pull: { a: 1 } }, code: 2 },
  { of: { a: [] }, u: { $pullAll: { a: 1 } }, code: 2 },
  { of: { a: 1 }, u: { $pop: { a: 1 } }, code: 14 },
  { of: { a: [1] }, u: { $pop: { a: 2 } }, code: 9 },
  { of: { a: 1 }, u: { $bit: { a: { and: double(1) } } }, code: 2 },
  { of: { a: 'x' }, u: { $bit: { a: { and: 1 } } }, code: 2 },
  { of: { a: 1 }, u: { $bit: { a: { nand: 1 } } }, code: 2 },
  { of: { a: 1 }, u: { $set: { 'a.b': 1 } }, code: 28 },
  { of: { a: null }, u: { $set: { 'a.b': 1 } }, code: 28 },
  { of: { a: [] }, u: { $set: { 'a.b': 1 } }, code: 28 },
  { of: {}, u: { $set: { a: 1 }, $inc: { a: 1 } }, code: 40 },
  { of: {}, u: { $set: { 'a.b': 1, a: 1 } }, code: 40 },
  { of: {}, u: { $rename: { a: 'b' }, $set: { b: 1 } }, code: 40 },
  { of: {}, u: { $set: { _id: 9 } }, code: 66 },
  { of: {}, u: { $unset: { _id: '' } }, code: 66 },
  { of: {}, u: { _id: 9, a: 1 }, code: 66 },
  { of: {}, u: [{ $set: { _id: 9 } }], code: 66 },
  { of: {}, u: { $set: { '': 1 } }, code: 56 },
  { of: {}, u: { $set: { 'a..b': 1 } }, code: 56 },
  { of: {}, u: { $set: 1 }, code: 9 },
  { of: {}, u: { $frobnicate: { a: 1 } }, code: 9 },
  { of: {}, u: { $set: { a: 1 }, b: 1 }, code: 9 },
  { of: { a: 1 }, u: { $rename: { a: 'a' } }, code: 2 },
  { of: { a: 1 }, u: { $rename: { a: 1 } }, code: 2 },
  { of: { a: [{ b: 1 }] }, u: { $rename: { 'a.b': 'c' } }, code: 2 },
  { of: { a: 1 }, u: { $currentDate: { a: 1 } }, code: 2 },
  { of: { a: [1] }, u: { $set: { 'a.$': 1 } }, code: 2 },
  { of: { a: 1 }, u: { $set: { 'a.$[]': 1 } }, code: 2 },
  { of: {}, u: { $set: { 'a.$[]': 1 } }, code: 2 },
  { of: { a: [1] }, u: { $set: { 'a.$[x]': 1 } }, code: 2 },
  { of: { a: [1] }, u: { $set: { a: 1 } }, with: { arrayFilters: [{ x: 1 }] }, code: 9 },
  { of: { a: [1] }, u: { $set: { 'a.$[x]': 1 } }, with: { arrayFilters: [{ x: 1 }, { x: 2 }] }, code: 9 },
  { of: { a: [1] }, u: { $set: { 'a.$[x]': 1 } }, with: { arrayFilters: [{ x: 1, y: 2 }] }, code: 9 },
  { of: { a: [1] }, u: [{ $set: { a: 1 } }], with: { arrayFilters: [{ x: 1 }] }, code: 9 },
  { of: {}, u: [{ $match: { a: 1 } }], code: 72 },
  { of: {}, u: [{ $set: { a: { $frobnicate: 1 } } }], code: 168 },
  { of: {}, u: [{ $replaceWith: 1 }], code: 40_228 },
];

/** Neither of these counts as a change. */
const WITHOUT_EFFECT: readonly (Document | Document[])[] = [
  { $set: { n: 1 } },
  { $inc: { n: 0 } },
  { $mul: { n: 1 } },
  { $min: { n: 2 } },
  { $max: { n: 0 } },
  { $unset: { z: '' } },
  { $rename: { y: 'z' } },
  { $setOnInsert: { n: 2 } },
  { $push: { list: { $each: [] } } },
  { $addToSet: { list: 1 } },
  { $pull: { list: 9 } },
  { $pullAll: { list: [9] } },
  { $pop: { none: 1 } },
  { $bit: { n: { or: 1 } } },
  { n: 1, list: [1, 2] },
  [{ $set: { n: 1 } }],
  [{ $set: { n: { $add: ['$n', 0] } } }],
  [],
];

const SEEDS: readonly { readonly q: Document; readonly u: Document | Document[]; readonly gives: Document }[] = [
  { q: { _id: 1, a: 1, b: { $eq: 2 }, c: { $gt: 1 } }, u: { $set: { x: 1 } }, gives: { _id: 1, a: 1, b: 2, x: 1 } },
  { q: { _id: 1, $and: [{ a: 1 }, { 'b.c': 2 }] }, u: { $setOnInsert: { x: 1 } }, gives: { _id: 1, a: 1, b: { c: 2 }, x: 1 } },
  { q: { _id: 1, $or: [{ a: 1 }, { a: 2 }] }, u: { $inc: { n: 1 } }, gives: { _id: 1, n: 1 } },
  { q: { _id: 1, a: { $in: [1, 2] } }, u: { $inc: { n: 1 } }, gives: { _id: 1, n: 1 } },
  { q: { _id: 1, a: 5 }, u: { b: 1 }, gives: { _id: 1, b: 1 } },
  { q: { a: 5 }, u: { _id: 3, b: 1 }, gives: { _id: 3, b: 1 } },
  { q: { _id: 1, a: 5 }, u: [{ $set: { b: { $add: ['$a', 1] } } }], gives: { _id: 1, a: 5, b: 6 } },
  { q: { n: 5 }, u: { $inc: { n: 1 }, $set: { _id: 4 } }, gives: { _id: 4, n: 6 } },
];

export function updates({ open }: Servers): void {
  describe('updates', () => {
    let server: ServerUnderTest;
    let collection: TypedCollection;

    before(async () => {
      server = await open();
      collection = await TypedCollection.on(server);
    });
    after(() => server.close());

    for (const { of, u, gives, with: statement } of CASES) {
      it(`${JSON.stringify(u)} makes ${exactly(gives)}`, async () => {
        expect(exactly(await collection.updated({ _id: 1, ...of }, u, statement))).to.equal(exactly({ _id: 1, ...gives }));
      });
    }

    for (const { of, u, code, with: statement } of REFUSED) {
      it(`${JSON.stringify(u)} of ${JSON.stringify(of)} is refused with ${code}`, async () => {
        expect(await collection.updateCode({ _id: 1, ...of }, u, statement)).to.equal(code);
        expect(exactly(await collection.find({}))).to.equal(exactly([{ _id: 1, ...of }]));
      });
    }

    for (const u of WITHOUT_EFFECT) {
      it(`${JSON.stringify(u)} changes nothing and says so`, async () => {
        await collection.clear();
        await collection.insert({ _id: 1, n: 1, list: [1, 2] });

        const reply = await collection.run({ update: 'c', updates: [{ q: {}, u }] });

        expect([Number(reply['n']), Number(reply['nModified'])]).to.deep.equal([1, 0]);
      });
    }

    for (const { q, u, gives } of SEEDS) {
      it(`an upsert of ${JSON.stringify(q)} by ${JSON.stringify(u)} starts from what the filter says`, async () => {
        expect(exactly(await collection.upserted(q, u))).to.equal(exactly(gives));
      });
    }

    it('an upsert whose filter says two things of one field is refused with 54', async () => {
      expect(await collection.upsertCode({ a: 1, $and: [{ a: 2 }] }, { $set: { b: 1 } })).to.equal(54);
    });

    it('$currentDate sets the time of the server, as a date or as a timestamp', async () => {
      const stored = await collection.updated({ _id: 1 }, { $currentDate: { a: true, b: { $type: 'timestamp' }, c: { $type: 'date' } } });

      expect(Math.abs((stored['a'] as Date).getTime() - Date.now())).to.be.lessThan(60_000);
      expect(stored['b']).to.have.property('_bsontype', 'Timestamp');
      expect(stored['c']).to.be.instanceOf(Date);
    });
  });
}
