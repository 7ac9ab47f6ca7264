import { HttpSink } from '@waybill/http';
import type { HttpSinkOptions, TargetOptions } from '@waybill/http';
import type { Delivery, DeliveryContext, OutboxMessage } from '@waybill/core';
import { aDeliveryContext } from '@waybill/testing';
import { afterEach } from 'mocha';
import { HostileServer } from '../servers/hostile-server.js';
import type { Answer, SeenRequest } from '../servers/hostile-server.js';
import { answering } from '../servers/answers.js';

/** One try a delivery, no breaker, and short times: what a test does not ask for must not answer for what it asks for. */
export const ONE_TRY = { retry: { most: 0 }, breaker: false, limits: { firstByteMs: 150, callMs: 400 } } as const;

export const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
export const OTHER_SECRET = `whsec_${Buffer.alloc(32, 8).toString('base64')}`;

const opened: { stop(): Promise<void> }[] = [];

/** Call it in the `describe`: no test leaves a server or a connection behind. */
export function closeEverything(): void {
  afterEach(async () => {
    for (const one of opened.splice(0).reverse()) await one.stop();
  });
}

/** An endpoint on loopback that answers so; well, if nothing else is said. */
export async function anEndpoint(answer: Answer = answering()): Promise<HostileServer> {
  const server = await HostileServer.start(answer);
  opened.push({ stop: () => server.close() });
  return server;
}

/** A sink to an idempotent target, unless said otherwise. */
export function aSink(options: Partial<HttpSinkOptions>): HttpSink {
  const sink = new HttpSink({ source: '/shop', idempotent: true, policy: ONE_TRY, ...options });
  opened.push(sink);
  return sink;
}

/** Targets by name, in this order. */
export const targets = (servers: Readonly<Record<string, HostileServer>>, options: Partial<TargetOptions> = {}): readonly TargetOptions[] =>
  Object.entries(servers).map(([name, { url }]) => ({ name, url, ...options }));

export const deliver = (sink: HttpSink, batch: readonly OutboxMessage[], context: Partial<DeliveryContext> = {}): Promise<Delivery> =>
  sink.deliver(batch, aDeliveryContext(context));

/** The event of a request in structured mode, as plain JSON. */
export const eventIn = ({ body }: SeenRequest): Readonly<Record<string, unknown>> =>
  JSON.parse(body.toString()) as Readonly<Record<string, unknown>>;

/** How often each message arrived, by its idempotency key. */
export const arrivals = (server: HostileServer, { id }: OutboxMessage): number =>
  server.requests.filter(({ headers }) => headers['idempotency-key'] === id).length;
