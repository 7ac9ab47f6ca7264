import { expect } from 'chai';
import { Dispatcher, UnitOfWork } from '@waybill/core';
import { InMemoryDatabase, InMemorySink } from '@waybill/core/in-memory';
import { CrashPoints } from '@waybill/testing';
import { Order, OrderCancelled, OrderPlaced } from './order.js';

describe('a crash between deliver and settle', () => {
  it('delivers again and loses nothing', async () => {
    const catalogue = [OrderPlaced, OrderCancelled];
    const [database, sink, crash] = [new InMemoryDatabase(), new InMemorySink(), new CrashPoints()];
    const unitOfWork = new UnitOfWork({ database, catalogue });
    const dispatcher = new Dispatcher({ database, catalogue, routes: { memory: { sink } }, reached: crash.reached });
    crash.throwAt('delivered', { nth: 1 });

    await dispatcher.start();
    const receipt = await unitOfWork.run(async ({ track }) => track(new Order('7')).place('c-1', 4_200));
    await dispatcher.delivered(receipt, 'memory');
    await dispatcher.stop();

    expect(sink.delivered).to.have.length(2); // at least once
    expect(sink.events('order-7')).to.deep.equal([OrderPlaced({ customerId: 'c-1', totalCents: 4_200 })]);
  });
});
