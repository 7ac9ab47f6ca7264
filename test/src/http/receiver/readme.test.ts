import { createServer } from 'node:http';
import { expect } from 'chai';
import { ArrivalLog, defineEvent, Dispatcher, HandlerSink, InboxHandler, InboxHandlers, silentLogger, UnitOfWork } from '@waybill/core';
import type { EventOf, HandlerContext, Message } from '@waybill/core';
import { HttpReceiver } from '@waybill/http';
import { expressHandler } from '@waybill/http/express';
import { fastifyReceiver } from '@waybill/http/fastify';
import { honoHandler } from '@waybill/http/hono';
import { nodeListener } from '@waybill/http/node';
import { PostgresDatabase } from '@waybill/postgres';
import type { PostgresTx } from '@waybill/postgres';
import { eventually } from '@waybill/testing';
import express from 'express';
import fastify from 'fastify';
import { Hono } from 'hono';
import { Pool } from 'pg';
import { z } from 'zod';
import { postgresDatabase } from '../../servers.js';
import { listening } from './doors.js';
import { anEvent, SECRET, signed, structured } from './sender.js';
import type { Sent } from './sender.js';

// #region handler
const ParcelShipped = defineEvent('ParcelShipped', z.object({ orderId: z.string() }));
type ParcelShipped = EventOf<typeof ParcelShipped>;

class Shipping {
  @InboxHandler(ParcelShipped, { name: 'close-order' })
  async onShipped({ data }: Message<ParcelShipped>, { tx }: HandlerContext<PostgresTx>): Promise<void> {
    await tx.query(`update orders set status = 'shipped' where id = $1`, [data.orderId]);
  }
}
// #endregion

describe("the README's receiver", () => {
  let pool: Pool;
  const secrets = [SECRET];
  const logger = silentLogger;
  const handlers = [new Shipping()];

  before(async () => {
    pool = new Pool({ connectionString: await postgresDatabase() });
    await new PostgresDatabase({ pool }).migrate();
    await pool.query('create table orders (id text, status text)');
  });
  let shipment: Sent;
  beforeEach(() => (shipment = structured(anEvent({ type: 'ParcelShipped', data: { orderId: '7' } }))));
  beforeEach(async () => void (await pool.query(`delete from orders; insert into orders values ('7', 'paid')`)));
  after(() => pool.end());

  const send = async (url: string): Promise<number> => (await fetch(url, { method: 'POST', ...signed(shipment) })).status;
  const shipped = async (): Promise<boolean> => (await pool.query(`select from orders where status = 'shipped'`)).rowCount === 1;

  it('handles now', async () => {
    // #region now
    const database = new PostgresDatabase({ pool });
    await database.migrate(); // the inbox is among its tables
    const unitOfWork = new UnitOfWork({ database, catalogue: [] });

    const intake = new InboxHandlers({ name: 'carrier', database, unitOfWork, handlers });
    const receiver = new HttpReceiver({ intake, secrets, sources: ['https://shop.example.com'], logger });

    const server = createServer(nodeListener(receiver));
    // #endregion
    const door = await listening(server);

    try {
      expect([await send(door.url), await send(door.url)]).to.deep.equal([200, 200]);
      expect(await shipped()).to.equal(true);
    } finally {
      await door.close();
    }
  });

  it('accepts now and handles later', async () => {
    // #region later
    const arrivals = new PostgresDatabase({ pool, schema: 'arrivals' }); // an outbox of its own: for what comes in
    await arrivals.migrate();

    const intake = new ArrivalLog({ name: 'carrier', database: arrivals, catalogue: [ParcelShipped], inOrder: true });
    const receiver = new HttpReceiver({ intake, secrets });

    const database = new PostgresDatabase({ pool });
    const unitOfWork = new UnitOfWork({ database, catalogue: [] });
    const dispatcher = new Dispatcher({
      database: arrivals,
      catalogue: [ParcelShipped],
      routes: { shipping: { sink: new HandlerSink({ kind: 'inbox', database, unitOfWork, handlers }), onFailure: 'park-stream' } },
    });
    await dispatcher.start();
    // #endregion

    const door = await listening(createServer(nodeListener(receiver)));

    try {
      expect(await send(door.url)).to.equal(202);
      await eventually('the shipment', async () => ((await shipped()) ? true : undefined));
    } finally {
      await door.close();
      await dispatcher.stop();
    }
  });

  it('stands behind every door', async () => {
    const receiver = new HttpReceiver({ intake: { take: async () => 'handled' }, secrets });
    const app = new Hono();
    const server = fastify();
    const shop = express();
    // #region doors
    app.all('/hooks', honoHandler(receiver)); // hono

    await server.register(fastifyReceiver(receiver), { prefix: '/hooks' }); // fastify

    shop.all('/hooks', expressHandler(receiver)); // express: first this,
    shop.use(express.json()); // and then what parses bodies
    // #endregion

    const door = await listening(createServer(shop));
    const address = await server.listen({ port: 0, host: '127.0.0.1' });
    try {
      const hono = await app.request('/hooks', { method: 'POST', ...signed(shipment) });
      expect([hono.status, await send(door.url), await send(`${address}/hooks`)]).to.deep.equal([200, 200, 200]);
    } finally {
      await door.close();
      await server.close();
    }
  });
});
