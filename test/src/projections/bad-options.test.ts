import { expect } from 'chai';
import { defineEvent, Projections, projector, unchecked } from '@waybill/core';
import type { ProjectionsOptions } from '@waybill/core';
import { InMemoryDatabase, InMemoryEventLog } from '@waybill/core/in-memory';
import type { InMemoryTx } from '@waybill/core/in-memory';
import { failureOf } from '../shop/failure-of.js';
import { orderEvents, OrderPlaced } from '../shop/order.js';

const orders = (name = 'orders') => projector<InMemoryTx>(name).on(OrderPlaced, async () => {});

describe('projections are refused before anything starts', () => {
  const refusalOf = async (options: Partial<ProjectionsOptions<InMemoryTx>>): Promise<string> => {
    const all = { database: new InMemoryDatabase(), log: new InMemoryEventLog(), catalogue: orderEvents, projections: [orders()] };
    return (await failureOf('INVALID_OPTIONS', () => new Projections({ ...all, ...options }))).message;
  };

  it('without a projection, or with what is none', async () => {
    const notOne = { name: 'orders', onPlaced: () => {} } as never;

    expect(await refusalOf({ projections: [] })).to.include('There is no projection');
    expect(await refusalOf({ projections: [notOne] })).to.include('Pass projectorOf(instance)');
    expect(await refusalOf({ projections: [projector<InMemoryTx>('idle')] })).to.include('"idle" wants no event');
  });

  it('when two go by one name, or by none', async () => {
    expect(await refusalOf({ projections: [orders(), orders()] })).to.include('Two projections are named "orders"');
    expect(await refusalOf({ projections: [orders('')] })).to.include('A projection needs a name');
  });

  it('when one wants an event that the catalogue does not have', async () => {
    const OrderLost = defineEvent('OrderLost', unchecked<object>());

    expect(await refusalOf({ projections: [orders().on(OrderLost, async () => {})] })).to.include(
      'Projection "orders" wants OrderLost, which is not in the catalogue',
    );
  });

  it('with numbers that cannot work', async () => {
    expect(await refusalOf({ batchSize: 0 })).to.include('batchSize is 0');
    expect(await refusalOf({ batchSize: 2.5 })).to.include('batchSize is 2.5');
    expect(await refusalOf({ retireAfterMs: -1 })).to.include('retireAfterMs is -1');
    expect(await refusalOf({ leaseMs: 1 })).to.include('leaseMs is 1');
    expect(await refusalOf({ retry: { attempts: 0 } })).to.include('attempts');
  });

  it('when orders name a projection that is not there, or that nobody has begun with', async () => {
    const projections = new Projections({
      ...{ database: new InMemoryDatabase(), log: new InMemoryEventLog(), catalogue: orderEvents, projections: [orders()] },
    });

    const unknown = [
      () => projections.pause('order'),
      () => projections.resume('order'),
      () => projections.rebuild('order'),
      () => projections.abandonRebuild('order'),
      () => projections.live('order'),
    ];
    for (const order of unknown)
      expect((await failureOf('INVALID_OPTIONS', order)).message).to.include('There is no projection "order" here');
    expect((await failureOf('INVALID_OPTIONS', () => projections.pause('orders'))).message).to.include('Nobody has followed');
    await projections.rebuild('orders');
    expect((await failureOf('INVALID_OPTIONS', () => projections.pause('orders', { generation: 7 }))).message).to.include(
      'has no generation 7',
    );
  });
});
