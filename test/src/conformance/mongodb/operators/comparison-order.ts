import { Binary, BSONRegExp, Decimal128, Double, Long, MaxKey, MinKey, ObjectId, Timestamp, UUID } from 'bson';
import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';
import type { Servers, ServerUnderTest } from '../server-under-test.js';
import { exactly, TypedCollection } from './typed-collection.js';

const decimal = (text: string): Decimal128 => Decimal128.fromString(text);

/** From the smallest up. What stands together in a list is equal. */
const ORDER: readonly (readonly unknown[])[] = [
  [new MinKey()],
  [null],
  [new Double(Number.NaN), decimal('NaN')],
  [new Double(Number.NEGATIVE_INFINITY), decimal('-Infinity')],
  [Long.MIN_VALUE, new Double(-(2 ** 63)), decimal('-9223372036854775808')],
  [-1, Long.fromNumber(-1), new Double(-1), decimal('-1.00')],
  [0, new Double(0), Long.ZERO, decimal('0E3')],
  [decimal('0.1')],
  [new Double(0.1)], // a little more than a tenth
  [1, new Double(1), Long.ONE, decimal('1.0')],
  [new Double(1.5), decimal('1.50')],
  [2],
  [10, Long.fromNumber(10)],
  [new Double(2 ** 53), Long.fromString('9007199254740992')],
  [Long.fromString('9007199254740993'), decimal('9007199254740993')],
  [Long.fromString('9007199254740994'), new Double(2 ** 53 + 2)],
  [Long.MAX_VALUE],
  [new Double(2 ** 63), decimal('9223372036854775808')],
  [new Double(Number.POSITIVE_INFINITY)],
  [''],
  ['A'],
  ['a'],
  ['aa'],
  ['b'],
  ['\u00e9'],
  ['\uffee'],
  ['\u{1f600}'], // by code point: after U+FFEE, whose UTF-16 unit is larger
  [{}],
  [{ a: 1 }],
  [{ a: 1, b: 1 }],
  [{ a: 2 }],
  [{ b: 1 }],
  [{ a: 'x' }], // the type of a field comes before its name
  [new Binary(Buffer.from([1]))],
  [new Binary(Buffer.from([1]), 0x80)],
  [new Binary(Buffer.from([0, 0]))],
  [new UUID('00000000-0000-4000-8000-000000000001')],
  [new ObjectId('000000000000000000000001')],
  [new ObjectId('000000000000000000000002')],
  [false],
  [true],
  [new Date(-1)],
  [new Date(0)],
  [new Date(1)],
  [new Timestamp({ t: 1, i: 2 })],
  [new Timestamp({ t: 2, i: 1 })],
  [new Timestamp({ t: 0x8000_0000, i: 1 })],
  [new BSONRegExp('a')],
  [new BSONRegExp('a', 'i')],
  [new BSONRegExp('b')],
  [new MaxKey()],
];

export function comparisonOrder({ open }: Servers): void {
  describe('the order of values', () => {
    let server: ServerUnderTest;
    let collection: TypedCollection;

    before(async () => {
      server = await open();
      collection = await TypedCollection.on(server);
      const all = ORDER.flatMap((equal, rank) => equal.map((v) => ({ rank, v })));
      const shuffled = all.map((each, at) => ({ _id: (at * 37) % all.length, ...each })).sort((a, b) => a._id - b._id);
      await collection.insert(...shuffled);
    });
    after(() => server.close());

    const ranksOf = (documents: readonly { readonly rank?: unknown }[]): number[] => documents.map(({ rank }) => Number(rank));

    it('is kept by a sort, up and down', async () => {
      const up = ranksOf(await collection.find({}, { sort: { v: 1 } }));
      const down = ranksOf(await collection.find({}, { sort: { v: -1 } }));

      expect(up).to.deep.equal(up.toSorted((a, b) => a - b));
      expect(down).to.deep.equal(down.toSorted((a, b) => b - a));
    });

    it('makes one group of equal values', async () => {
      const groups = await collection.aggregate({ $group: { _id: '$v', ranks: { $addToSet: '$rank' } } });

      expect(groups).to.have.length(ORDER.length);
      for (const { ranks } of groups) expect(ranks).to.have.length(1);
    });

    it('decides comparisons in expressions', async () => {
      const pipeline = [{ $sort: { v: 1 } }, { $group: { _id: null, all: { $push: { v: '$v', rank: '$rank' } } } }];
      const compared = { $cmp: ['$$this.v', '$$other.v'] };
      const expected = { $cmp: ['$$this.rank', '$$other.rank'] };
      const wrong = { $filter: { input: '$all', cond: { $ne: [compared, expected] } } };

      const [result] = await collection.aggregate(...pipeline, {
        $project: { wrong: { $map: { input: '$all', as: 'other', in: wrong } } },
      });

      expect((result!['wrong'] as unknown[][]).flat()).to.deep.equal([]);
    });

    ORDER.forEach((equal, rank) => {
      if (equal.some((value) => value === null || value instanceof BSONRegExp)) return;
      it(`finds what equals ${exactly(equal[0])}, whatever its type`, async () => {
        for (const value of equal) {
          expect(ranksOf(await collection.find({ v: value }))).to.deep.equal(equal.map(() => rank));
          expect(ranksOf(await collection.find({ v: { $in: [value] } }))).to.deep.equal(equal.map(() => rank));
        }
      });
    });

    it('is one of numbers among numbers in a filter, of texts among texts', async () => {
      const numbers = await collection.find({ v: { $gt: 2 } });
      const texts = await collection.find({ v: { $lt: 'b' } });

      expect(new Set(numbers.map(({ v }) => typeof v))).to.deep.equal(new Set(['object']));
      expect(numbers.map(({ rank }) => Number(rank)).toSorted((a, b) => a - b)).to.deep.equal([
        12, 12, 13, 13, 14, 14, 15, 15, 16, 17, 17, 18,
      ]);
      expect(texts.map(({ v }) => v as string).toSorted()).to.deep.equal(['', 'A', 'a', 'aa']);
    });

    it('has NaN in a filter equal itself and neither more nor less than anything', async () => {
      expect(await collection.find({ v: { $gte: Number.NaN } })).to.have.length(2);
      expect(await collection.find({ v: { $gt: Number.NaN } })).to.have.length(0);
      expect(ranksOf(await collection.find({ v: { $lt: -1 } })).toSorted((a, b) => a - b)).to.deep.equal([3, 3, 4, 4, 4]);
    });
  });
}
