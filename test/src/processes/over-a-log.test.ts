import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { Consumer, ProcessManagers, UnitOfWork } from '@waybill/core';
import type { DomainEvent, HandlerMiddleware, Moment } from '@waybill/core';
import { InMemoryEventLog } from '@waybill/core/in-memory';
import { anArrivedMessage, CrashPoints, eventually } from '@waybill/testing';
import { onEveryDatabase } from '../databases/databases.js';
import type { OpenDatabase, OpenedDatabase } from '../databases/databases.js';
import * as shop from './fulfilment.js';

const WAY = ['ReserveStock', 'ChargeCard', 'ShipOrder', 'RefundCard', 'ReleaseStock'];

onEveryDatabase('processes that a consumer tells of a log', <Tx>(open: OpenDatabase<Tx>) => {
  let opened: OpenedDatabase<Tx>;
  let consumer: Consumer<Tx> | undefined;

  before(async () => (opened = await open()));
  afterEach(() => consumer?.stop());
  after(() => opened?.close());

  for (const killAt of [undefined, 'appended'] satisfies readonly (Moment | undefined)[])
    it(`send all of their commands once${killAt ? `, also when the first message crashes at "${killAt}"` : ', inside middleware'}`, async () => {
      const { database } = opened;
      const [name, orderId, crashes] = [randomUUID(), randomUUID(), new CrashPoints()];
      const log = new InMemoryEventLog({ name });
      const unitOfWork = new UnitOfWork<Tx>({
        ...{ database, catalogue: [...shop.fulfilmentEvents, ...shop.fulfilmentCommands], reached: crashes.reached },
      });
      const managers = new ProcessManagers<Tx>({ database, unitOfWork, processes: [shop.fulfilmentOf()] });
      const around: string[] = [];
      const middleware: HandlerMiddleware = async ({ handler, step, message }, next) => {
        await next();
        around.push(`${handler} ${step} ${message.type}`);
      };
      const told: readonly DomainEvent[] = [
        shop.Placed({ orderId, totalCents: 4_200 }),
        shop.StockReserved({ orderId }),
        shop.PaymentTaken({ orderId }),
        shop.ShippingFailed({ orderId }),
      ];
      for (const [nth, { type, data }] of told.entries()) log.append(anArrivedMessage(`told-${name}`, BigInt(nth), { type, json: data }));
      if (killAt) crashes.throwAt(killAt);

      consumer = new Consumer<Tx>({
        ...{ name, receiver: log, database, unitOfWork, handlers: [managers], middleware: [middleware], reached: crashes.reached },
        ...{ leaseMs: 2_000, retry: { firstMs: 1, maxMs: 2 } },
      });
      await consumer.start();
      const over = await eventually('the end', async () => (await managers.find({ key: orderId, status: 'compensated' }))[0]);

      const { tail } = await database.transactions.run((tx) => database.outbox.headAndTail(`command-fulfilment-${orderId}`, 0n, tx));
      expect(tail.map(({ type }) => type)).to.deep.equal(WAY);
      expect(over.steps.map(({ state }) => state)).to.deep.equal(['compensated', 'compensated', 'failed']);
      expect(around.filter((call) => call.endsWith(' Placed')).length, 'tries of the first').to.be.at.least(killAt ? 2 : 1);
      expect(new Set(around)).to.deep.equal(new Set(told.map(({ type }) => `fulfilment handle ${type}`)));
    });
});
