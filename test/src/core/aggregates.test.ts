import { expect } from 'chai';
import { Order, OrderCancelled, OrderNoted, OrderPlaced } from '../shop/order.js';

const placed = OrderPlaced({ customerId: 'c-1', totalCents: 4_200 });

describe('an aggregate', () => {
  it('applies what it emits, and keeps it for the commit', () => {
    const order = new Order('7');

    order.place('c-1', 4_200);
    order.cancel('too late');

    expect(order.status).to.equal('cancelled');
    expect(order.pending).to.deep.equal([placed, OrderCancelled({ reason: 'too late' })]);
    expect(order.revision).to.equal(undefined);
  });

  it('applies what it replays, and does not commit it again', () => {
    const order = new Order('7');

    order.replay(placed, 0n);

    expect(order.status).to.equal('placed');
    expect(order.pending).to.deep.equal([]);
    expect(order.revision).to.equal(0n);
  });

  it('counts a revision that there is nothing to apply of', () => {
    const order = new Order('7');
    order.replay(placed, 0n);

    order.replay(undefined, 1n);

    expect(order.status).to.equal('placed');
    expect(order.revision).to.equal(1n);
  });

  it('has nothing pending once it is committed, and goes on from there', () => {
    const order = Order.placed('7');

    order.markCommitted(0n);
    order.note('fragile');

    expect(order.revision).to.equal(0n);
    expect(order.pending).to.deep.equal([OrderNoted({ text: 'fragile' })]);
  });

  it('keeps what it has shown as pending apart from what it emits later', () => {
    const order = Order.placed('7');
    const { pending } = order;

    order.markCommitted(0n);
    order.note('fragile');

    expect(pending).to.deep.equal([placed]);
  });
});
