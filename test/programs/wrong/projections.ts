import { Projection, ProjectionHandler, projectorOf, UnitOfWork } from '@waybill/core';
import type { HandlerContext, Message, ProjectionContext } from '@waybill/core';
import type { PostgresDatabase, PostgresTx } from '@waybill/postgres';
import { OrderCancelled, OrderPlaced } from '../usage/orders/order-events.js';
import type { OtherTx } from './other-database.js';

@Projection({ name: 'wrong' })
export class Wrong {
  // @ts-expect-error The message parameter of this method does not accept OrderPlaced
  @ProjectionHandler(OrderPlaced)
  async anotherEvent(_message: Message<OrderCancelled>): Promise<void> {}

  // @ts-expect-error The message parameter of this method does not accept OrderCancelled
  @ProjectionHandler([OrderPlaced, OrderCancelled])
  async oneOfTwoForgotten(_message: Message<OrderPlaced>): Promise<void> {}

  // @ts-expect-error A projection handler returns Promise<void>: make the method async
  @ProjectionHandler(OrderPlaced)
  notAsync(_message: Message<OrderPlaced>): void {}

  // @ts-expect-error A projection gets no more than a ProjectionContext: tx, generation and rebuilding
  @ProjectionHandler(OrderPlaced)
  async asAHandler(_message: Message<OrderPlaced>, { append }: HandlerContext<PostgresTx>): Promise<void> {
    append('7', OrderCancelled({ reason: 'a read model decides nothing' }));
  }
}

@Projection({ name: 'elsewhere' })
class Elsewhere {
  @ProjectionHandler(OrderPlaced)
  async onPlaced(_message: Message<OrderPlaced>, { tx }: ProjectionContext<OtherTx>): Promise<void> {
    void tx.session;
  }
}

export const inAnotherDatabase = (database: PostgresDatabase): UnitOfWork<PostgresTx> =>
  new UnitOfWork({
    database,
    catalogue: [OrderPlaced],
    // @ts-expect-error Property 'session' is missing in type
    projectors: [projectorOf(new Elsewhere())],
  });
