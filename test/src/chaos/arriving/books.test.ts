import { expect } from 'chai';
import { faultsOf, faultsOfCalls } from './books.js';
import type { Ledger } from './books.js';

describe('the books of what arrives', () => {
  const ledger = (written: readonly string[], overrides: Partial<Ledger> = {}): readonly string[] =>
    faultsOf({ name: 'diary', expected: ['a', 'b', 'c'], written, isOrdered: true, isComplete: true, ...overrides });
  const call = (key: string, mayBeRepeat = false) => ({ key, mayBeRepeat, by: 'one' });
  const calls = (...made: readonly ReturnType<typeof call>[]): readonly string[] =>
    faultsOfCalls({ toPay: ['a', 'b'], calls: made, isComplete: true });

  it('balance when everything is there once, in order', () => {
    expect(ledger(['a', 'b', 'c'])).to.deep.equal([]);
    expect(ledger(['c', 'a', 'b'], { isOrdered: false })).to.deep.equal([]);
    expect(ledger(['a', 'b'], { isComplete: false })).to.deep.equal([]);
    expect(calls(call('a'), call('b'), call('a', true))).to.deep.equal([]);
  });

  it('show what is written twice, lost, strange, or out of order', () => {
    expect(ledger(['a', 'b', 'b', 'c'])).to.deep.equal(['diary: b is written twice']);
    expect(ledger(['a', 'c'])).to.deep.equal(['diary: b is missing']);
    expect(ledger(['a', 'b', 'c', 'd'])).to.deep.equal(['diary: nobody knows where d comes from']);
    expect(ledger(['b', 'a', 'c'])).to.deep.equal(['diary: b stands where a should']);
    expect(ledger(['b'], { isComplete: false })).to.deep.equal(['diary: b stands where a should']);
  });

  it('show a call under a strange key, one that was never made, and one that was made again unawares', () => {
    expect(calls(call('a'), call('b'), call('c'))).to.deep.equal(['till: nobody knows the key c']);
    expect(calls(call('a'))).to.deep.equal(['till: b was not paid']);
    expect(calls(call('a'), call('b'), call('a'))).to.deep.equal(['till: one called again for a and did not know that it may be again']);
  });
});
