import { audit } from '@waybill/example-orders';
import type { AllBooks, LedgerLine, ListedOrder } from '@waybill/example-orders';
import { expect } from 'chai';

const shipped: ListedOrder = { orderId: 'a', totalCents: 700, status: 'shipped', reason: null };
const late: ListedOrder = { orderId: 'b', totalCents: 300, status: 'cancelled', reason: 'not paid in time' };
const declined: ListedOrder = { orderId: 'c', totalCents: 900, status: 'cancelled', reason: 'the card is declined' };

const line = (orderId: string, state: LedgerLine['state'], cents: number): LedgerLine => ({
  ...{ what: state === 'refunded' ? 'refunds' : 'charges', key: `${state} ${orderId}`, orderId, cents, state },
});
const takenForA = line('a', 'taken', 700);
const takenForB = line('b', 'taken', 300);
const refundedForB = line('b', 'refunded', 300);
const declinedForC = line('c', 'declined', 900);

const books: AllBooks = {
  shop: { placed: ['a', 'b', 'c'], orders: [shipped, late, declined], open: [], openCases: 0, closedCases: [] },
  shipping: { labels: ['a'] },
  ledger: [takenForA, line('b', 'pending', 300), takenForB, refundedForB, declinedForC],
  promised: ['a', 'b', 'c'],
};
const faultsOf = (changed: Partial<AllBooks>): readonly string[] => audit({ ...books, ...changed }).faults;
const shopWith = (changed: Partial<AllBooks['shop']>): Partial<AllBooks> => ({ shop: { ...books.shop, ...changed } });

describe('the audit at the end of the orders demo', () => {
  it('finds nothing where the books balance, and says how the orders ended', () => {
    const { shipped: sold, cancelled, faults } = audit(books);

    expect(faults).to.deep.equal([]);
    expect(sold).to.deep.equal({ orders: 1, takenCents: 700, refundedCents: 0 });
    expect([...cancelled]).to.deep.equal([
      ['not paid in time', { orders: 1, takenCents: 300, refundedCents: 300 }],
      ['the card is declined', { orders: 1, takenCents: 0, refundedCents: 0 }],
    ]);
  });

  for (const [what, changed, fault] of [
    ['money that was taken twice', { ledger: [...books.ledger, takenForA] }, 'taken 700 and 700'],
    ['money that was given back twice', { ledger: [...books.ledger, refundedForB] }, 'refunded 300 and 300'],
    ['money that was not given back', { ledger: [takenForA, takenForB] }, 'order b, 300 cents, is cancelled: taken 300, refunded nothing'],
    ['money that was given back and never taken', { ledger: [takenForA, refundedForB] }, 'taken nothing, refunded 300'],
    ['another sum than the price', { ledger: [line('a', 'taken', 70)] }, 'order a, 700 cents, is shipped: taken 70'],
    ['another sum given back than taken', { ledger: [takenForA, takenForB, line('b', 'refunded', 30)] }, 'taken 300, refunded 30'],
    ['an order that was shipped and not paid', { ledger: [] }, 'order a, 700 cents, is shipped: taken nothing'],
    ['an order that was shipped, and its money given back', { ledger: [takenForA, line('a', 'refunded', 700)] }, 'refunded 700'],
    ['money that was taken of no order', { ledger: [...books.ledger, line('x', 'taken', 1)] }, 'order x was never placed'],
    ['two parcels of one order', { shipping: { labels: ['a', 'a'] } }, 'order a, 700 cents, is shipped: 2 parcels left the house'],
    ['a parcel that never left', { shipping: { labels: [] } }, 'order a, 700 cents, is shipped: 0 parcels left the house'],
    ['a parcel of an order that is cancelled', { shipping: { labels: ['a', 'b'] } }, 'order b, 300 cents, is cancelled: 1 parcels'],
    ['an order in between', shopWith({ orders: [{ ...shipped, status: 'released' }, late, declined] }), 'is released: it is in between'],
    ['an order that was promised and is lost', { promised: [...books.promised, 'd'] }, 'order d was promised, and is not committed'],
    ['an order that the list does not have', shopWith({ orders: [shipped, late] }), 'order c is not in the list of orders'],
    ['an order of the list that nobody placed', shopWith({ placed: ['a', 'b'] }), 'order c was never placed'],
    ['a process that is not over', shopWith({ open: ['checkout a is running'] }), 'checkout a is running, and nobody is at it'],
    ['a case that waits', shopWith({ openCases: 1 }), '1 cases wait for a person'],
  ] as const)
    it(`notices ${what}`, () => {
      expect(faultsOf(changed).join('; ')).to.include(fault);
    });
});
