import type { Handler } from 'hono';
import type { HttpReceiver } from '../http-receiver.js';

/** The receiver as a handler of hono: `app.all('/hooks', honoHandler(receiver))`. Middleware before it must not read the body. */
export function honoHandler(receiver: Pick<HttpReceiver, 'fetch'>): Handler {
  return (context) => receiver.fetch(context.req.raw);
}
