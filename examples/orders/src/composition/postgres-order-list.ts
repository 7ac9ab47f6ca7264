import { Projection, ProjectionHandler } from '@waybill/core';
import type { GenerationContext, Message, ProjectionContext } from '@waybill/core';
import type { PostgresTx } from '@waybill/postgres';
import { OrderCancelled, OrderPlaced, OrderReleased, OrderShipped } from '../messages.js';

/** The list of orders, as people read it. */
@Projection({ name: 'order-list' })
export class PostgresOrderList {
  constructor(private readonly schema: string) {}

  async prepare({ tx, generation }: GenerationContext<PostgresTx>): Promise<void> {
    const columns = 'order_id text primary key, total_cents integer not null, status text not null, reason text';
    await tx.query(`create table if not exists ${this.schema}.order_list_${generation} (${columns})`);
    if (generation === 1) await this.activate({ tx, generation });
  }

  async activate({ tx, generation }: GenerationContext<PostgresTx>): Promise<void> {
    await tx.query(`create or replace view ${this.schema}.order_list as select * from ${this.schema}.order_list_${generation}`);
  }

  async retire({ tx, generation }: GenerationContext<PostgresTx>): Promise<void> {
    await tx.query(`drop table if exists ${this.schema}.order_list_${generation}`);
  }

  @ProjectionHandler(OrderPlaced)
  async onPlaced({ data }: Message<OrderPlaced>, { tx, generation }: ProjectionContext<PostgresTx>): Promise<void> {
    const text = `insert into ${this.schema}.order_list_${generation} values ($1, $2, 'placed')`;
    await tx.query(text, [data.orderId, data.totalCents]);
  }

  @ProjectionHandler([OrderReleased, OrderShipped, OrderCancelled])
  async onChanged(
    { type, data }: Message<OrderReleased | OrderShipped | OrderCancelled>,
    { tx, generation }: ProjectionContext<PostgresTx>,
  ): Promise<void> {
    const text = `update ${this.schema}.order_list_${generation} set status = $2, reason = $3 where order_id = $1`;
    await tx.query(text, [data.orderId, statusAfter[type], 'reason' in data ? data.reason : null]);
  }
}

const statusAfter = { OrderReleased: 'released', OrderShipped: 'shipped', OrderCancelled: 'cancelled' };
