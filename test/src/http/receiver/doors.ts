import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { expressHandler } from '@waybill/http/express';
import { fastifyReceiver } from '@waybill/http/fastify';
import { honoHandler } from '@waybill/http/hono';
import { nodeListener } from '@waybill/http/node';
import type { HttpReceiver } from '@waybill/http';
import express from 'express';
import Fastify from 'fastify';
import { Hono } from 'hono';

export interface Door {
  readonly port: number;
  /** Where the receiver is. */
  readonly url: string;
  close(): Promise<void>;
}

/** Each framework with a receiver behind `/hooks`, as its users put it there. */
export const DOORS: Readonly<Record<string, (receiver: HttpReceiver) => Promise<Door>>> = {
  'node:http': (receiver) => listening(createServer(nodeListener(receiver))),

  express: (receiver) => {
    const app = express();
    app.all('/hooks', expressHandler(receiver));
    app.use(express.json());
    return listening(createServer(app));
  },

  fastify: async (receiver) => {
    const app = Fastify();
    await app.register(fastifyReceiver(receiver), { prefix: '/hooks' });
    await app.ready();
    const { close, ...door } = await listening(app.server);
    return { ...door, close: async () => void (await Promise.all([app.close(), close()])) };
  },

  hono: async (receiver) => {
    const app = new Hono();
    app.all('/hooks', honoHandler(receiver));
    const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }) as Server;
    await new Promise((resolve) => server.once('listening', resolve));
    return doorOf(server);
  },
};

export async function listening(server: Server): Promise<Door> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return doorOf(server);
}

function doorOf(server: Server): Door {
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}/hooks`,
    close: async () => {
      server.closeAllConnections();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    },
  };
}
