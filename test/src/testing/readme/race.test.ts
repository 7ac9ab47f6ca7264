import { expect } from 'chai';
import { InMemoryDatabase } from '@waybill/core/in-memory';
import { race } from '@waybill/testing';

it('loses, reorders and repeats nothing among 20 writers', async () => {
  const fixture = { database: new InMemoryDatabase(), write: async () => {}, written: async () => [], close: async () => {} };

  const { committed, delivered, ...wrong } = await race({ fixture, events: 2_000, foreignTransactionMs: 100 });

  expect(delivered).to.equal(committed);
  expect(wrong).to.deep.equal({ lost: 0, inversions: 0, gaps: 0, duplicates: 0, phantoms: 0, causalInversions: 0 });
});
