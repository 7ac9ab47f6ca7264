import { Binary, BSONRegExp, Decimal128, Double, Long } from 'bson';
import type { Document } from 'bson';
import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';
import type { Servers, ServerUnderTest } from '../server-under-test.js';
import { TypedCollection } from './typed-collection.js';

/** By `_id`. */
const DOCUMENTS: Readonly<Record<string, Document>> = {
  int: { a: 1 },
  long: { a: Long.fromNumber(5) },
  double: { a: new Double(2.5) },
  decimal: { a: Decimal128.fromString('5.0') },
  text: { a: 'abc' },
  upper: { a: 'ABC\nx' },
  null: { a: null },
  none: { b: 1 },
  yes: { a: true },
  empty: { a: [] },
  list: { a: [1, 5, 9] },
  nested: { a: [[1, 2], 3] },
  inner: { a: { b: 1, c: 2 } },
  swapped: { a: { c: 2, b: 1 } },
  objects: { a: [{ b: 1, c: 1 }, { b: 5, c: 2 }, { c: 3 }] },
  deep: { a: { b: [{ c: [1, 2] }, { c: 7 }] } },
  bits: { a: 54 },
  bytes: { a: new Binary(Buffer.from([0x36])) },
  date: { a: new Date(0) },
  regex: { a: new BSONRegExp('^a') },
};

interface Case {
  readonly filter: Document;
  readonly finds: readonly string[];
}

const NUMBERS = ['int', 'long', 'double', 'decimal', 'bits'];

const CASES: readonly Case[] = [
  { filter: { a: 1 }, finds: ['int', 'list'] },
  { filter: { a: { $eq: 5 } }, finds: ['long', 'decimal', 'list'] },
  { filter: { a: null }, finds: ['null', 'none'] },
  { filter: { a: { $ne: null } }, finds: Object.keys(DOCUMENTS).filter((id) => id !== 'null' && id !== 'none') },
  { filter: { a: [1, 2] }, finds: ['nested'] },
  { filter: { a: [1, 5, 9] }, finds: ['list'] },
  { filter: { a: [] }, finds: ['empty'] },
  { filter: { a: { b: 1, c: 2 } }, finds: ['inner'] },
  { filter: { a: { b: 1 } }, finds: [] },
  { filter: { 'a.b': 1 }, finds: ['inner', 'swapped', 'objects'] },
  { filter: { 'a.b': null }, finds: [...NUMBERS, 'text', 'upper', 'null', 'none', 'yes', 'objects', 'bytes', 'date', 'regex'] },
  { filter: { 'a.b': { $exists: true } }, finds: ['inner', 'swapped', 'objects', 'deep'] },
  { filter: { 'a.b.c': 2 }, finds: ['deep'] },
  { filter: { 'a.b.0.c.1': 2 }, finds: ['deep'] },
  { filter: { 'a.0': 1 }, finds: ['list'] },
  { filter: { 'a.0': [1, 2] }, finds: ['nested'] },
  { filter: { 'a.1.b': 5 }, finds: ['objects'] },
  { filter: { a: { $gt: 2 } }, finds: ['long', 'double', 'decimal', 'list', 'nested', 'bits'] },
  { filter: { a: { $gte: 54 } }, finds: ['bits'] },
  { filter: { a: { $lt: 2 } }, finds: ['int', 'list'] },
  { filter: { a: { $lte: null } }, finds: ['null', 'none'] },
  { filter: { a: { $gt: 5, $lt: 6 } }, finds: ['list'] },
  { filter: { a: { $elemMatch: { $gt: 5, $lt: 6 } } }, finds: [] },
  { filter: { a: { $elemMatch: { $gt: 4, $lt: 6 } } }, finds: ['list'] },
  { filter: { a: { $elemMatch: { b: { $gt: 1 }, c: 2 } } }, finds: ['objects'] },
  { filter: { 'a.b': { $gt: 1 }, 'a.c': 1 }, finds: ['objects'] },
  { filter: { a: { $elemMatch: { b: { $gt: 1 }, c: 1 } } }, finds: [] },
  { filter: { a: { $elemMatch: { $elemMatch: { $eq: 2 } } } }, finds: ['nested'] },
  { filter: { a: { $elemMatch: { $or: [{ b: 5 }, { c: 9 }] } } }, finds: ['objects'] },
  { filter: { a: { $in: [1, 'abc', null] } }, finds: ['int', 'text', 'null', 'none', 'list'] },
  { filter: { a: { $in: [new BSONRegExp('^ab')] } }, finds: ['text'] },
  { filter: { a: { $in: [] } }, finds: [] },
  { filter: { b: { $nin: [1] } }, finds: Object.keys(DOCUMENTS).filter((id) => id !== 'none') },
  { filter: { a: { $all: [9, 1] } }, finds: ['list'] },
  { filter: { a: { $all: [1] } }, finds: ['int', 'list'] },
  { filter: { a: { $all: [] } }, finds: [] },
  { filter: { a: { $all: [{ $elemMatch: { b: 1 } }, { $elemMatch: { c: 2 } }] } }, finds: ['objects'] },
  { filter: { a: { $size: 2 } }, finds: ['nested'] },
  { filter: { a: { $size: 0 } }, finds: ['empty'] },
  { filter: { a: { $exists: false } }, finds: ['none'] },
  { filter: { a: { $type: 'number' } }, finds: [...NUMBERS, 'list', 'nested'] },
  { filter: { a: { $type: ['long', 'decimal'] } }, finds: ['long', 'decimal'] },
  { filter: { a: { $type: 'array' } }, finds: ['empty', 'list', 'nested', 'objects'] },
  { filter: { a: { $type: 10 } }, finds: ['null'] },
  { filter: { a: { $type: 'object' } }, finds: ['inner', 'swapped', 'objects', 'deep'] },
  { filter: { a: { $mod: [4, 1] } }, finds: ['int', 'long', 'decimal', 'list'] },
  { filter: { a: { $mod: [2, 0] } }, finds: ['double', 'bits'] },
  { filter: { a: { $regex: '^a' } }, finds: ['text', 'regex'] },
  { filter: { a: { $regex: '^ABC$', $options: 'im' } }, finds: ['text', 'upper'] },
  { filter: { a: { $regex: 'c.x', $options: 'is' } }, finds: ['upper'] },
  {
    filter: { a: { $not: { $gt: 2 } } },
    finds: Object.keys(DOCUMENTS).filter((id) => !['long', 'double', 'decimal', 'list', 'nested', 'bits'].includes(id)),
  },
  {
    filter: { a: { $not: new BSONRegExp('^a') }, b: { $exists: false } },
    finds: Object.keys(DOCUMENTS).filter((id) => !['text', 'regex', 'none'].includes(id)),
  },
  { filter: { a: { $bitsAllSet: [1, 5] } }, finds: ['bits', 'bytes'] },
  { filter: { a: { $bitsAnySet: 1 } }, finds: ['int', 'long', 'decimal', 'list', 'nested'] },
  { filter: { a: { $bitsAllClear: 9 } }, finds: ['bits', 'bytes'] },
  { filter: { a: { $bitsAnyClear: [1] } }, finds: ['int', 'long', 'decimal', 'list'] },
  { filter: { $and: [{ a: { $gt: 1 } }, { a: { $lt: 3 } }] }, finds: ['double', 'list'] },
  { filter: { $or: [{ a: 1 }, { b: 1 }] }, finds: ['int', 'none', 'list'] },
  { filter: { $nor: [{ a: { $exists: true } }] }, finds: ['none'] },
  { filter: { $expr: { $gt: ['$a.b', 0] } }, finds: ['inner', 'swapped', 'objects', 'deep', 'empty', 'list', 'nested'] },
  { filter: { $expr: { $eq: ['$b', 1] }, $comment: 'whatever' }, finds: ['none'] },
];

const WRONG: readonly { readonly filter: Document; readonly code: number }[] = [
  { filter: { a: { $frobnicate: 1 } }, code: 2 },
  { filter: { $frobnicate: 1 }, code: 2 },
  { filter: { $and: [] }, code: 2 },
  { filter: { $or: {} }, code: 2 },
  { filter: { $nor: [1] }, code: 2 },
  { filter: { a: { $in: 1 } }, code: 2 },
  { filter: { a: { $in: [{ $gt: 1 }] } }, code: 2 },
  { filter: { a: { $all: 1 } }, code: 2 },
  { filter: { a: { $not: 1 } }, code: 2 },
  { filter: { a: { $not: {} } }, code: 2 },
  { filter: { a: { $elemMatch: 1 } }, code: 2 },
  { filter: { a: { $mod: [1] } }, code: 2 },
  { filter: { a: { $mod: [0, 1] } }, code: 2 },
  { filter: { a: { $type: 'nothing' } }, code: 2 },
  { filter: { a: { $regex: '(' } }, code: 51_091 },
  { filter: { a: { $regex: 'a', $options: 'q' } }, code: 51_108 },
  { filter: { a: { $options: 'i' } }, code: 2 },
  { filter: { a: { $gt: new BSONRegExp('a') } }, code: 2 },
  { filter: { $expr: { $frobnicate: 1 } }, code: 168 },
  { filter: { $expr: '$$nobody' }, code: 17_276 },
];

export function filters({ open }: Servers): void {
  describe('filters', () => {
    let server: ServerUnderTest;
    let collection: TypedCollection;

    before(async () => {
      server = await open();
      collection = await TypedCollection.on(server);
      await collection.insert(...Object.entries(DOCUMENTS).map(([_id, fields]) => ({ _id, ...fields })));
    });
    after(() => server.close());

    for (const { filter, finds } of CASES) {
      it(`${JSON.stringify(filter)} finds ${finds.length > 8 ? `${finds.length} documents` : finds.join(', ') || 'nothing'}`, async () => {
        const found = (await collection.find(filter)).map(({ _id }) => _id as string);
        const matched = (await collection.aggregate({ $match: filter })).map(({ _id }) => _id as string);

        expect(found.toSorted()).to.deep.equal(finds.toSorted());
        expect(matched.toSorted()).to.deep.equal(finds.toSorted());
      });
    }

    for (const { filter, code } of WRONG) {
      it(`${JSON.stringify(filter)} is refused with ${code}`, async () => {
        expect(await collection.findCode(filter)).to.equal(code);
        expect(await collection.aggregateCode({ $match: filter })).to.equal(code);
      });
    }
  });
}
