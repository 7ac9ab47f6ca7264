import { Decimal128, Double, Long, ObjectId, Timestamp } from 'bson';
import type { Document } from 'bson';
import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';
import type { Servers, ServerUnderTest } from '../server-under-test.js';
import { exactly, TypedCollection } from './typed-collection.js';

const long = (value: number): Long => Long.fromNumber(value);
const double = (value: number): Double => new Double(value);
const decimal = (text: string): Decimal128 => Decimal128.fromString(text);
const DATE = new Date('2026-03-31T22:15:30.125Z');

const DOCUMENT: Document = {
  _id: 1,
  n: 7,
  long: long(7),
  double: double(2.5),
  decimal: decimal('1.10'),
  text: 'Hällo wörld',
  list: [3, 1, 2],
  objects: [{ k: 'a', v: 1 }, { k: 'b', v: 2 }, 5],
  inner: { x: 1 },
  nothing: null,
  date: DATE,
  zero: 0,
};

/** `MISSING`: the field is left out. */
const MISSING = Symbol('missing');

type Case = readonly [expression: unknown, result: unknown];

const CASES: readonly Case[] = [
  ['$inner.x', 1],
  ['$objects.k', ['a', 'b']],
  ['$list.0', []],
  ['$nobody', MISSING],
  ['$$ROOT.n', 7],
  ['$$CURRENT.n', 7],
  [
    ['$n', '$nobody'],
    [7, null],
  ],
  [{ a: '$n', b: '$nobody' }, { a: 7 }],
  [{ $literal: '$n' }, '$n'],
  [{ $eq: ['$n', '$long'] }, true],
  [{ $gt: ['$nobody', null] }, false],
  [{ $lt: ['$nobody', null] }, true],
  [{ $cmp: ['a', 5] }, 1],
  [{ $and: [1, 'x', []] }, true],
  [{ $and: [] }, true],
  [{ $or: [0, null] }, false],
  [{ $not: ['$zero'] }, true],
  [{ $cond: ['$n', 'yes', 'no'] }, 'yes'],
  [{ $cond: { if: '$nobody', then: { $divide: [1, '$zero'] }, else: 2 } }, 2],
  [{ $ifNull: ['$nobody', '$nothing', 3] }, 3],
  [
    {
      $switch: {
        branches: [
          { case: { $gt: ['$n', 9] }, then: 1 },
          { case: true, then: 2 },
        ],
      },
    },
    2,
  ],
  [{ $switch: { branches: [{ case: false, then: 1 }], default: 'd' } }, 'd'],
  [{ $add: ['$n', 1] }, 8],
  [{ $add: ['$n', '$long'] }, long(14)],
  [{ $add: ['$n', '$double'] }, double(9.5)],
  [{ $add: ['$decimal', '$n'] }, decimal('8.10')],
  [{ $add: [2_147_483_647, '$n'] }, long(2_147_483_654)],
  [{ $add: [Long.MAX_VALUE, '$n'] }, double(2 ** 63)],
  [{ $add: ['$n', '$nothing'] }, null],
  [{ $add: ['$date', 1000] }, new Date(DATE.getTime() + 1000)],
  [{ $subtract: ['$n', 10] }, -3],
  [{ $subtract: ['$date', new Date(0)] }, long(DATE.getTime())],
  [{ $subtract: ['$date', 125] }, new Date(DATE.getTime() - 125)],
  [{ $multiply: ['$n', 6] }, 42],
  [{ $multiply: [65_536, 65_536] }, long(4_294_967_296)],
  [{ $divide: ['$n', 2] }, double(3.5)],
  [{ $mod: ['$n', 4] }, 3],
  [{ $mod: [-7, 4] }, -3],
  [{ $abs: -5 }, 5],
  [{ $ceil: '$double' }, double(3)],
  [{ $floor: '$double' }, double(2)],
  [{ $round: '$double' }, double(2)],
  [{ $round: [double(2.675), 2] }, double(2.67)],
  [{ $round: [1234, -2] }, 1200],
  [{ $trunc: [double(-2.7)] }, double(-2)],
  [{ $pow: [2, 10] }, 1024],
  [{ $sqrt: 16 }, double(4)],
  [{ $sum: ['$list', 1] }, 1],
  [{ $sum: '$list' }, 6],
  [{ $avg: '$list' }, double(2)],
  [{ $max: ['$n', 'text', null] }, 'text'],
  [{ $min: '$list' }, 1],
  [{ $size: '$list' }, 3],
  [{ $isArray: ['$list'] }, true],
  [{ $arrayElemAt: ['$list', -1] }, 2],
  [{ $arrayElemAt: ['$list', 9] }, MISSING],
  [{ $first: '$list' }, 3],
  [{ $last: '$list' }, 2],
  [{ $slice: ['$list', 1, 2] }, [1, 2]],
  [{ $slice: ['$list', -2] }, [1, 2]],
  [{ $concatArrays: ['$list', [9]] }, [3, 1, 2, 9]],
  [{ $concatArrays: ['$list', '$nobody'] }, null],
  [{ $in: [2, '$list'] }, true],
  [{ $indexOfArray: ['$list', 2] }, 2],
  [{ $reverseArray: '$list' }, [2, 1, 3]],
  [{ $range: [0, 10, 4] }, [0, 4, 8]],
  [{ $sortArray: { input: '$list', sortBy: 1 } }, [1, 2, 3]],
  [{ $zip: { inputs: ['$list', ['a']] } }, [[3, 'a']]],
  [{ $map: { input: '$list', as: 'x', in: { $multiply: ['$$x', 2] } } }, [6, 2, 4]],
  [{ $map: { input: '$nobody', in: '$$this' } }, null],
  [{ $filter: { input: '$list', as: 'x', cond: { $gt: ['$$x', 1] } } }, [3, 2]],
  [{ $filter: { input: '$list', cond: true, limit: 1 } }, [3]],
  [{ $reduce: { input: '$list', initialValue: '', in: { $concat: ['$$value', { $toString: '$$this' }] } } }, '312'],
  [{ $let: { vars: { a: '$n' }, in: { $add: ['$$a', '$$a'] } } }, 14],
  [{ $mergeObjects: ['$inner', { y: 2 }, null] }, { x: 1, y: 2 }],
  [{ $objectToArray: '$inner' }, [{ k: 'x', v: 1 }]],
  [{ $arrayToObject: [[['a', 1]]] }, { a: 1 }],
  [{ $arrayToObject: [[{ k: 'a', v: 1 }]] }, { a: 1 }],
  [{ $getField: { field: 'x', input: '$inner' } }, 1],
  [{ $setField: { field: 'y', input: '$inner', value: 2 } }, { x: 1, y: 2 }],
  [
    {
      $setEquals: [
        [1, 2, 2],
        [2, 1],
      ],
    },
    true,
  ],
  [{ $setDifference: [[1, 2], [2]] }, [1]],
  [{ $setIsSubset: [[1], '$list'] }, true],
  [{ $allElementsTrue: [[1, true]] }, true],
  [{ $anyElementTrue: [[0, false]] }, false],
  [{ $concat: ['a', '$text'] }, 'aHällo wörld'],
  [{ $concat: ['a', '$nobody'] }, null],
  [{ $toUpper: 'abc' }, 'ABC'],
  [{ $strLenCP: '$text' }, 11],
  [{ $strLenBytes: '$text' }, 13],
  [{ $substrCP: ['$text', 1, 3] }, 'äll'],
  [{ $substrBytes: ['$text', 0, 3] }, 'Hä'],
  [{ $indexOfCP: ['$text', 'l'] }, 2],
  [{ $indexOfBytes: ['$text', 'l'] }, 3],
  [{ $split: ['a-b-c', '-'] }, ['a', 'b', 'c']],
  [{ $trim: { input: '  x ' } }, 'x'],
  [{ $ltrim: { input: 'xxab', chars: 'x' } }, 'ab'],
  [{ $replaceOne: { input: 'aXbX', find: 'X', replacement: '-' } }, 'a-bX'],
  [{ $replaceAll: { input: 'aXbX', find: 'X', replacement: '-' } }, 'a-b-'],
  [{ $strcasecmp: ['abc', 'ABD'] }, -1],
  [{ $regexMatch: { input: '$text', regex: 'WÖRLD', options: 'i' } }, true],
  [{ $regexFind: { input: 'ab12', regex: '(\\d)(\\d)' } }, { match: '12', idx: 2, captures: ['1', '2'] }],
  [
    { $regexFindAll: { input: 'a1b2', regex: '\\d' } },
    [
      { match: '1', idx: 1, captures: [] },
      { match: '2', idx: 3, captures: [] },
    ],
  ],
  [{ $type: '$decimal' }, 'decimal'],
  [{ $type: '$nobody' }, 'missing'],
  [{ $isNumber: '$long' }, true],
  [{ $toInt: '12' }, 12],
  [{ $toInt: double(2.9) }, 2],
  [{ $toLong: '$date' }, long(DATE.getTime())],
  [{ $toDouble: '2.5' }, double(2.5)],
  [{ $toDecimal: '1.10' }, decimal('1.10')],
  [{ $toDecimal: double(2.5) }, decimal('2.50000000000000')],
  [{ $toString: '$date' }, '2026-03-31T22:15:30.125Z'],
  [{ $toString: '$decimal' }, '1.10'],
  [{ $toBool: 'false' }, true],
  [{ $toDate: long(0) }, new Date(0)],
  [{ $toObjectId: '0123456789abcdef01234567' }, new ObjectId('0123456789abcdef01234567')],
  [{ $convert: { input: 'x', to: 'int', onError: 'bad' } }, 'bad'],
  [{ $convert: { input: '$nobody', to: 'int', onNull: 0 } }, 0],
  [{ $year: '$date' }, 2026],
  [{ $dayOfMonth: { date: '$date', timezone: '+03:00' } }, 1],
  [{ $hour: { date: '$date', timezone: 'Europe/Berlin' } }, 0],
  [{ $dayOfWeek: '$date' }, 3],
  [{ $isoWeek: '$date' }, 14],
  [{ $dateToString: { date: '$date' } }, '2026-03-31T22:15:30.125Z'],
  [{ $dateToString: { date: '$date', format: '%d.%m.%Y %H:%M %z', timezone: '+02:00' } }, '01.04.2026 00:15 +0200'],
  [{ $dateFromString: { dateString: '2026-03-31T22:15:30.125Z' } }, DATE],
  [{ $dateFromParts: { year: 2026, month: 3, day: 31, hour: 22, minute: 15, second: 30, millisecond: 125 } }, DATE],
  [{ $dateAdd: { startDate: '$date', unit: 'month', amount: 1 } }, new Date('2026-04-30T22:15:30.125Z')],
  [{ $dateDiff: { startDate: new Date('2026-01-31'), endDate: '$date', unit: 'month' } }, long(2)],
  [{ $dateTrunc: { date: '$date', unit: 'hour' } }, new Date('2026-03-31T22:00:00Z')],
  [{ $tsSecond: new Timestamp({ t: 5, i: 2 }) }, long(5)],
];

const WRONG: readonly (readonly [expression: unknown, code: number])[] = [
  [{ $frobnicate: 1 }, 168],
  ['$$nobody', 17_276],
  [{ $eq: [1] }, 16_020],
  [{ $add: ['$text', 1] }, 14],
  [{ $subtract: ['$text', 1] }, 14],
  [{ $multiply: ['$text', 1] }, 14],
  [{ $divide: ['$n', '$zero'] }, 2],
  [{ $mod: ['$n', '$zero'] }, 16_610],
  [{ $concat: ['$n'] }, 16_702],
  [{ $size: '$n' }, 17_124],
  [{ $arrayElemAt: ['$n', 0] }, 28_689],
  [{ $mergeObjects: ['$n'] }, 40_400],
  [{ $toInt: '$text' }, 241],
  [{ $map: { input: '$n', in: 1 } }, 16_883],
  [{ $filter: { input: '$n', cond: true } }, 28_651],
  [{ $reduce: { input: '$n', initialValue: 0, in: 1 } }, 40_080],
  [{ $switch: { branches: [{ case: '$zero', then: 1 }] } }, 40_066],
  [{ $in: [1, '$n'] }, 40_081],
  [{ a: 1, $add: [1] }, 16_410],
  [{ $add: [1], $subtract: [2, 1] }, 15_983],
];

export function expressions({ open }: Servers): void {
  describe('expressions', () => {
    let server: ServerUnderTest;
    let collection: TypedCollection;

    before(async () => {
      server = await open();
      collection = await TypedCollection.on(server);
      await collection.insert(DOCUMENT);
    });
    after(() => server.close());

    for (const [expression, result] of CASES) {
      it(`${JSON.stringify(expression)} is ${result === MISSING ? 'missing' : exactly(result)}`, async () => {
        const [made] = await collection.aggregate({ $replaceWith: { result: expression } });

        expect(exactly(made)).to.equal(exactly(result === MISSING ? {} : { result }));
      });
    }

    for (const [expression, code] of WRONG) {
      it(`${JSON.stringify(expression)} fails with ${code}`, async () => {
        expect(await collection.aggregateCode({ $replaceWith: { result: expression } })).to.equal(code);
      });
    }

    it('a set has every value once', async () => {
      const union = { $setUnion: ['$list', [double(3), 4]] };

      const [made] = await collection.aggregate({ $replaceWith: { result: { $sortArray: { input: union, sortBy: 1 } } } });

      expect((made!['result'] as unknown[]).map(Number)).to.deep.equal([1, 2, 3, 4]);
    });

    it('$$NOW is one moment for the whole command, $$CLUSTER_TIME a timestamp', async () => {
      const [made] = await collection.aggregate({
        $project: { same: { $eq: ['$$NOW', '$$NOW'] }, now: '$$NOW', kind: { $type: '$$CLUSTER_TIME' } },
      });

      expect(made).to.deep.include({ same: true, kind: 'timestamp' });
      expect(Math.abs((made!['now'] as Date).getTime() - Date.now())).to.be.lessThan(60_000);
    });

    it('the variables of a command are seen by its filter and its pipeline', async () => {
      const filter = { $expr: { $eq: ['$n', '$$wanted'] } };

      const found = await collection.find(filter, { let: { wanted: { $add: [3, 4] } } });

      expect(found).to.have.length(1);
    });
  });
}
