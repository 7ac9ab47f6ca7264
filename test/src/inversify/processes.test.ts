import 'reflect-metadata';
import { expect } from 'chai';
import { defineState, Dispatcher, processManager, ProcessManagers, UnitOfWork } from '@waybill/core';
import { InMemoryDatabase } from '@waybill/core/in-memory';
import type { InMemoryTx } from '@waybill/core/in-memory';
import { waybillModule } from '@waybill/inversify';
import { eventually } from '@waybill/testing';
import { Container } from 'inversify';
import { z } from 'zod';
import { Order, orderEvents, OrderPlaced } from '../shop/order.js';

const Nothing = defineState(z.object({}));

const patience = processManager('patience', {
  state: Nothing,
  initial: () => ({}),
  steps: {},
  timeouts: { 'long-enough': async ({ end }) => end() },
}).startsWith(OrderPlaced, { key: ({ stream }) => stream }, async (_, { timeoutAfter }) => timeoutAfter('long-enough', 1));

describe('processes in the container', () => {
  it('are handlers of a route, and are started by whoever asks for them', async () => {
    const [database, container] = [new InMemoryDatabase(), new Container()];
    // #region processes
    container
      .bind(ProcessManagers)
      .toResolvedValue(
        (unitOfWork: UnitOfWork<InMemoryTx>) => new ProcessManagers({ database, unitOfWork, processes: [patience] }) as ProcessManagers,
        [UnitOfWork<InMemoryTx>],
      )
      .inSingletonScope()
      .onDeactivation((processes) => processes.stop());
    container.load(waybillModule({ database, catalogue: orderEvents, routes: { patience: { handlers: [ProcessManagers] } } }));

    await container.get(Dispatcher).start();
    await container.get(ProcessManagers).start(); // time-outs, and questions about steps
    // #endregion
    await container.get(UnitOfWork).run(async ({ track }) => void track(Order.placed('7')));

    const [over] = await eventually('the end', async () => {
      const found = await container.get(ProcessManagers).find({ status: 'completed' });
      return found.length > 0 ? found : undefined;
    });
    expect(over!.key).to.equal('order-7');
    await container.unbindAllAsync();
  });
});
