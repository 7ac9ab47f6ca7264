import { expect } from 'chai';
import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import { isWaybillError } from '@waybill/core';
import { HttpReceiver } from '@waybill/http';
import { expressHandler } from '@waybill/http/express';
import { fastifyReceiver } from '@waybill/http/fastify';
import { honoHandler } from '@waybill/http/hono';
import express from 'express';
import type { ErrorRequestHandler } from 'express';
import Fastify from 'fastify';
import { Hono } from 'hono';
import { failureOf } from '../../shop/failure-of.js';
import { listening } from './doors.js';
import type { Door } from './doors.js';
import { NotingIntake } from './noting-intake.js';
import { binary, SECRET, signed, structured } from './sender.js';

describe('a receiver among other middleware', () => {
  const intake = new NotingIntake();
  const receiver = new HttpReceiver({ intake, secrets: SECRET, modes: ['structured', 'binary', 'batch'] });
  const doors: Door[] = [];

  afterEach(async () => {
    for (const door of doors.splice(0)) await door.close();
  });

  const open = async (app: RequestListener): Promise<string> => {
    const door = await listening(createServer(app));
    doors.push(door);
    return door.url;
  };

  it('of express says so when another has parsed the body', async () => {
    let error: unknown;
    const caught: ErrorRequestHandler = (thrown, _request, response, _next) => {
      error = thrown;
      response.sendStatus(500);
    };
    const url = await open(express().use(express.json()).all('/hooks', expressHandler(receiver)).use(caught));

    const parsed = await fetch(url, { method: 'POST', ...signed(binary()) });
    const left = await fetch(url, { method: 'POST', ...signed(structured()) });

    expect(parsed.status).to.equal(500);
    expect(isWaybillError(error, 'INVALID_OPTIONS') && error.message).to.contain('before express.json()');
    expect(left.status).to.equal(200); // express.json() has no eye for cloudevents+json
  });

  it('of express takes what express.raw() has read', async () => {
    const url = await open(
      express()
        .use(express.raw({ type: '*/*' }))
        .all('/hooks', expressHandler(receiver)),
    );

    const answer = await fetch(url, { method: 'POST', ...signed(binary()) });

    expect(answer.status).to.equal(200);
  });

  it('of fastify leaves the parsers, the hooks and the headers of the application alone', async () => {
    const app = Fastify();
    app.addHook('onRequest', async (_request, reply) => void reply.header('x-request-id', 'r-7'));
    app.post('/orders', async ({ body }) => ({ got: body }));
    await app.register(fastifyReceiver(receiver), { prefix: '/hooks' });
    const origin = await app.listen({ port: 0, host: '127.0.0.1' });

    try {
      const order = await fetch(`${origin}/orders`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"n":1}' });
      const hook = await fetch(`${origin}/hooks`, { method: 'POST', ...signed(structured()) });

      expect(await order.json()).to.deep.equal({ got: { n: 1 } });
      expect([hook.status, hook.headers.get('x-request-id')]).to.deep.equal([200, 'r-7']);
    } finally {
      await app.close();
    }
  });

  it('of fastify takes bodies up to its own limit', async () => {
    const large = new HttpReceiver({ intake, secrets: SECRET, maxBodyBytes: 4_194_304 });
    const app = Fastify({ bodyLimit: 1_000 });
    await app.register(fastifyReceiver(large), { prefix: '/hooks' });
    const origin = await app.listen({ port: 0, host: '127.0.0.1' });
    const sent = structured();

    try {
      const body = `${sent.body.slice(0, -1)},"padding":"${'x'.repeat(2_000_000)}"}`;
      const answer = await fetch(`${origin}/hooks`, { method: 'POST', ...signed({ ...sent, body }) });

      expect(answer.status).to.equal(200);
    } finally {
      await app.close();
    }
  });

  it('of hono says so when another has read the body', async () => {
    let error: unknown;
    const app = new Hono();
    app.onError((thrown, context) => {
      error = thrown;
      return context.text('failed', 500);
    });
    app.use(async (context, next) => {
      await context.req.raw.text();
      await next();
    });
    app.all('/hooks', honoHandler(receiver));

    const answer = await app.request('/hooks', { method: 'POST', ...signed(structured()) });

    expect(answer.status).to.equal(500);
    expect(isWaybillError(error, 'INVALID_OPTIONS') && error.message).to.contain('Let it come to the receiver first');
  });

  it('that speak the web standard takes their requests as they are', async () => {
    const request = new Request('https://shop.example.com/hooks', { method: 'POST', ...signed(structured()) });

    const answer = await receiver.fetch(request);

    expect([answer.status, await answer.json()]).to.deep.equal([200, { outcome: 'handled' }]);
    await failureOf('INVALID_OPTIONS', () => receiver.fetch(request));
  });
});
