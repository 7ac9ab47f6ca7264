import { expect } from 'chai';
import { Projection, ProjectionHandler, Projections, projectorOf } from '@waybill/core';
import type { EventLog, GenerationContext, Message, ProjectionContext } from '@waybill/core';
import { InMemoryEventLog } from '@waybill/core/in-memory';
import type { PostgresDatabase, PostgresTx } from '@waybill/postgres';
import type { MongoDBTx } from '@waybill/mongodb';
import { eventually } from '@waybill/testing';
import { openShop as openMongoDBShop } from '../mongodb/mongodb-shop.js';
import { openShop as openPostgresShop } from '../postgres/postgres-shop.js';
import { orderEvents, OrderPlaced } from '../shop/order.js';
import { placedOrders, statusWhere } from './order-list.js';

// #region postgres
@Projection({ name: 'order-list' })
class OrderList {
  async prepare({ tx, generation }: GenerationContext<PostgresTx>): Promise<void> {
    await tx.query(`create table if not exists order_list_${generation} (stream text primary key, total_cents integer not null)`);
    if (generation === 1) await tx.query('create or replace view order_list as select * from order_list_1');
  }

  @ProjectionHandler(OrderPlaced)
  async onPlaced({ stream, data }: Message<OrderPlaced>, { tx, generation }: ProjectionContext<PostgresTx>): Promise<void> {
    await tx.query(`insert into order_list_${generation} values ($1, $2)`, [stream, data.totalCents]);
  }

  async activate({ tx, generation }: GenerationContext<PostgresTx>): Promise<void> {
    await tx.query(`create or replace view order_list as select * from order_list_${generation}`);
  }

  async retire({ tx, generation }: GenerationContext<PostgresTx>): Promise<void> {
    await tx.query(`drop table if exists order_list_${generation}`);
  }
}
// #endregion

// #region mongodb
@Projection({ name: 'order-list' })
class OrderDocuments {
  @ProjectionHandler(OrderPlaced)
  async onPlaced({ stream, data }: Message<OrderPlaced>, { tx, generation }: ProjectionContext<MongoDBTx>): Promise<void> {
    const orders = tx.db.collection<{ _id: string; totalCents: number }>(`order_list_${generation}`);
    await orders.insertOne({ _id: stream, totalCents: data.totalCents }, { session: tx.session });
  }
}
// #endregion

const follow = (database: PostgresDatabase, log: EventLog) => {
  // #region follow
  const projections = new Projections({ database, log, catalogue: orderEvents, projections: [projectorOf(new OrderList())] });
  // #endregion
  return projections;
};

describe('the tables of a projection', () => {
  const log = new InMemoryEventLog();
  log.append(...placedOrders(3));

  it('on PostgreSQL are behind a view that shows the live generation', async () => {
    const { pool, database, close } = await openPostgresShop();
    const projections = follow(database, log);
    const shown = async (): Promise<number> => (await pool.query('select * from order_list')).rows.length;
    await projections.start();
    await eventually('three orders', async () => (await shown()) === 3 || undefined);
    await pool.query('delete from order_list_1'); // what a rebuild is to bring back

    await projections.rebuild('order-list');
    await statusWhere(projections, 'the switch', ({ generation }) => generation === 2);

    expect(await shown()).to.equal(3);
    await projections.stop();
    await close();
  });

  it('on MongoDB are collections that a reader chooses by the live generation', async () => {
    const { waybill: database, db, close } = await openMongoDBShop();
    const projections = new Projections({ database, log, catalogue: orderEvents, projections: [projectorOf(new OrderDocuments())] });
    const shown = async (): Promise<number> => {
      // #region read
      const orders = db.collection(`order_list_${await projections.live('order-list')}`);
      // #endregion
      return orders.countDocuments();
    };
    await projections.start();
    await eventually('three orders', async () => (await shown()) === 3 || undefined);

    await projections.rebuild('order-list');
    await statusWhere(projections, 'the switch', ({ generation }) => generation === 2);

    expect(await shown()).to.equal(3);
    await projections.stop();
    await close();
  });
});
