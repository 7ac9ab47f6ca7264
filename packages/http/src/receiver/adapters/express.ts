import { InvalidOptionsError } from '@waybill/core';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HttpReceiver } from '../http-receiver.js';
import { serve } from './serve.js';

/** What express's request handlers are, in Node's own terms: express's types are a package that not everybody has. */
export type ExpressHandler = (
  request: IncomingMessage & { readonly body?: unknown },
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;

/**
 * The receiver as a handler of express: `app.all('/hooks', expressHandler(receiver))`, before `app.use(express.json())`.
 *
 * A body that another middleware has parsed cannot be checked any more: that request goes to express's error handler, as an
 * {@link InvalidOptionsError}. What `express.raw()` read is taken.
 */
export function expressHandler(receiver: Pick<HttpReceiver, 'handle'>): ExpressHandler {
  return (request, response, next) => {
    const raw = request.body;
    if (request.readableDidRead && !Buffer.isBuffer(raw)) {
      next(
        new InvalidOptionsError('A middleware has parsed the body before the receiver saw it. Mount the receiver before express.json().'),
      );
      return;
    }
    serve(receiver, request, response, Buffer.isBuffer(raw) ? raw : undefined).catch(next);
  };
}
