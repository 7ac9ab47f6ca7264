// One class, written inline or following a log, into tables of its generation.
import { Projection, ProjectionHandler, Projections, projectorOf, UnitOfWork } from '@waybill/core';
import type { EventLog, GenerationContext, Message, ProjectionContext } from '@waybill/core';
import type { PostgresDatabase, PostgresTx } from '@waybill/postgres';
import { OrderCancelled, OrderPlaced } from './orders/order-events.js';

@Projection({ name: 'order-list' })
export class OrderList {
  async prepare({ tx, generation }: GenerationContext<PostgresTx>): Promise<void> {
    await tx.query(`create table if not exists order_list_${generation} (stream text primary key, total_cents integer)`);
  }

  @ProjectionHandler(OrderPlaced)
  async onPlaced({ stream, data }: Message<OrderPlaced>, { tx, generation }: ProjectionContext<PostgresTx>): Promise<void> {
    await tx.query(`insert into order_list_${generation} values ($1, $2)`, [stream, data.totalCents]);
  }

  @ProjectionHandler([OrderPlaced, OrderCancelled])
  async onAny(_message: Message<OrderPlaced | OrderCancelled>): Promise<void> {}
}

export const inline = (database: PostgresDatabase): UnitOfWork<PostgresTx> =>
  new UnitOfWork({ database, catalogue: [OrderPlaced, OrderCancelled], projectors: [projectorOf(new OrderList())] });

export async function following(database: PostgresDatabase, log: EventLog): Promise<void> {
  const catalogue = [OrderPlaced, OrderCancelled];
  const projections = new Projections({ database, log, catalogue, projections: [projectorOf(new OrderList())] });
  await projections.start();
  const receipt = await new UnitOfWork({ database, catalogue }).run(async ({ append }) => append('7', OrderCancelled({ reason: 'none' })));
  await projections.caughtUpWith(receipt, { timeoutMs: 1_000 });
}
