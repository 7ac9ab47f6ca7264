import type { FastifyPluginCallback } from 'fastify';
import type { HttpReceiver } from '../http-receiver.js';
import { serve } from './serve.js';

/**
 * The receiver as a plugin of fastify: `app.register(fastifyReceiver(receiver), { prefix: '/hooks' })`.
 *
 * Within the plugin bodies are left as they are, whatever parsers the application has; outside of it nothing changes.
 */
export function fastifyReceiver(receiver: Pick<HttpReceiver, 'handle'>): FastifyPluginCallback {
  return (instance, _options, done) => {
    instance.removeAllContentTypeParsers();
    instance.addContentTypeParser('*', (_request, _payload, parsed) => parsed(null));
    instance.all('/', async (request, reply) => {
      reply.hijack();
      for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) reply.raw.setHeader(name, value);
      await serve(receiver, request.raw, reply.raw);
    });
    done();
  };
}
