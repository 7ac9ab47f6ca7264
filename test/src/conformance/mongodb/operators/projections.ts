import type { Document } from 'bson';
import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';
import type { Servers, ServerUnderTest } from '../server-under-test.js';
import { exactly, TypedCollection } from './typed-collection.js';

const DOCUMENT: Document = { _id: 1, a: 1, b: { c: 2, d: 3 }, list: [{ x: 1, y: 1 }, { x: 2, y: 2 }, 7], numbers: [1, 5, 9] };

const CASES: readonly { readonly projection: Document; readonly gives: Document }[] = [
  { projection: { a: 1 }, gives: { _id: 1, a: 1 } },
  { projection: { numbers: 1, a: true }, gives: { _id: 1, a: 1, numbers: [1, 5, 9] } },
  { projection: { _id: 0, a: 1 }, gives: { a: 1 } },
  { projection: { _id: 1 }, gives: { _id: 1 } },
  { projection: { _id: 0, list: 0, numbers: 0 }, gives: { a: 1, b: { c: 2, d: 3 } } },
  { projection: { 'b.c': 1 }, gives: { _id: 1, b: { c: 2 } } },
  { projection: { b: { c: 1 } }, gives: { _id: 1, b: { c: 2 } } },
  { projection: { 'b.c': 0, list: 0, numbers: 0 }, gives: { _id: 1, a: 1, b: { d: 3 } } },
  { projection: { 'list.x': 1 }, gives: { _id: 1, list: [{ x: 1 }, { x: 2 }] } },
  { projection: { 'list.x': 0, a: 0, b: 0, numbers: 0 }, gives: { _id: 1, list: [{ y: 1 }, { y: 2 }, 7] } },
  { projection: { 'a.z': 1 }, gives: { _id: 1 } },
  { projection: { numbers: { $slice: 2 }, list: 0, b: 0 }, gives: { _id: 1, a: 1, numbers: [1, 5] } },
  { projection: { numbers: { $slice: [-2, 1] }, a: 1 }, gives: { _id: 1, a: 1, numbers: [5] } },
  { projection: { numbers: { $elemMatch: { $gt: 1 } } }, gives: { _id: 1, numbers: [5] } },
  { projection: { list: { $elemMatch: { x: 2 } }, a: 1 }, gives: { _id: 1, a: 1, list: [{ x: 2, y: 2 }] } },
  { projection: { numbers: { $elemMatch: { $gt: 10 } } }, gives: { _id: 1 } },
  { projection: { sum: { $add: ['$a', '$b.c'] } }, gives: { _id: 1, sum: 3 } },
  { projection: { _id: 0, 'b.e': '$a', text: 'x' }, gives: { b: { e: 1 }, text: 'x' } },
  { projection: { a: '$b' }, gives: { _id: 1, a: { c: 2, d: 3 } } },
];

const WRONG: readonly { readonly projection: Document; readonly code: number }[] = [
  { projection: { a: 1, b: 0 }, code: 31_254 },
  { projection: { a: 0, b: 1 }, code: 31_253 },
  { projection: { b: 1, 'b.c': 1 }, code: 31_249 },
  { projection: { 'b.c': 1, b: 1 }, code: 31_250 },
  { projection: { a: { $frobnicate: 1 } }, code: 31_325 },
  { projection: { a: {} }, code: 51_270 },
];

export function projections({ open }: Servers): void {
  describe('projections', () => {
    let server: ServerUnderTest;
    let collection: TypedCollection;

    before(async () => {
      server = await open();
      collection = await TypedCollection.on(server);
      await collection.insert(DOCUMENT);
    });
    after(() => server.close());

    for (const { projection, gives } of CASES) {
      it(`${JSON.stringify(projection)} leaves ${JSON.stringify(gives)}`, async () => {
        expect(exactly(await collection.find({}, { projection }))).to.equal(exactly([gives]));
      });
    }

    for (const { projection, code } of WRONG) {
      it(`${JSON.stringify(projection)} is refused with ${code}`, async () => {
        expect(await collection.findCode({}, { projection })).to.equal(code);
      });
    }

    it('findAndModify projects what it gives back', async () => {
      const { value } = await collection.modified({ _id: 1 }, { update: { $set: { a: 1 } }, new: true, fields: { _id: 0, a: 1 } });

      expect(value).to.deep.equal({ a: 1 });
    });
  });
}
