import { given } from '@waybill/testing';
import { Order, OrderCancelled, OrderPlaced } from './order.js';

const placed = OrderPlaced({ customerId: 'c-1', totalCents: 4_200 });

describe('Order', () => {
  it('is cancelled with a reason', () => {
    given(new Order('7'), placed)
      .when((order) => order.cancel('too late'))
      .emits(OrderCancelled({ reason: 'too late' }));
  });

  it('is cancelled once', () => {
    given(new Order('7'), placed, OrderCancelled({ reason: 'too late' }))
      .when((order) => order.cancel('again'))
      .emitsNothing();
  });

  it('is placed once', () => {
    given(new Order('7'), placed)
      .when((order) => order.place('c-2', 1))
      .throws('Order is already placed.');
  });
});
