import { Dispatcher, UnitOfWork } from '@waybill/core';
import { InMemoryDatabase, InMemorySink } from '@waybill/core/in-memory';
import { CrashPoints, databaseContract, given } from '@waybill/testing';
import { PostgresDatabase } from '@waybill/postgres';
import type { PostgresTx } from '@waybill/postgres';
import { Pool } from 'pg';
import { OrderCancelled, orderCatalogue as catalogue, OrderPlaced } from './orders/order-events.js';
import { Order } from './orders/order.js';

const placed = OrderPlaced({ customerId: 'c-1', totalCents: 4_200 });

describe('Order', () => {
  it('is cancelled with a reason', () => {
    given(new Order('7'), placed)
      .when((order) => order.cancel('too late'))
      .emits(OrderCancelled({ reason: 'too late' }));
  });

  it('is cancelled once', () => {
    given(new Order('7'), placed, OrderCancelled({ reason: 'x' }))
      .when((order) => order.cancel('y'))
      .emitsNothing();
  });

  it('is placed once', () => {
    given(new Order('7'), placed)
      .when((order) => order.place('c-2', 1))
      .throws('Order is already placed.');
  });
});

// All an adapter author writes: every port's suite, read from the declared capabilities.
databaseContract<PostgresTx>(
  'postgres',
  async () => {
    const pool = new Pool();
    await pool.query('create table side_note (key text)');
    return {
      database: new PostgresDatabase({ pool }),
      write: async (key, tx) => void (await tx.query('insert into side_note values ($1)', [key])),
      written: async () => (await pool.query<{ key: string }>('select key from side_note')).rows.map(({ key }) => key),
      close: () => pool.end(),
    };
  },
  { conflicts: 'at-append', processes: true },
);

describe('a crash between deliver and settle', () => {
  it('delivers again and loses nothing', async () => {
    const [database, sink, crash] = [new InMemoryDatabase(), new InMemorySink(), new CrashPoints()];
    const unitOfWork = new UnitOfWork({ database, catalogue });
    const dispatcher = new Dispatcher({ database, catalogue, routes: { memory: { sink } }, reached: crash.reached });
    crash.throwAt('delivered', { nth: 1 });

    const receipt = await unitOfWork.run(async ({ track }) => track(new Order('7')).place('c-1', 4_200));
    await dispatcher.start();
    await dispatcher.delivered(receipt, 'memory');

    sink.events('order-7');
    await dispatcher.stop();
  });
});
