import { InvalidOptionsError } from '@waybill/core';
import type { RequestHandler } from 'express';
import type { HttpReceiver } from '../http-receiver.js';
import { serve } from './serve.js';

/**
 * The receiver as a handler of express: `app.all('/hooks', expressHandler(receiver))`, before `app.use(express.json())`.
 *
 * A body that another middleware has parsed cannot be checked any more: that request goes to express's error handler, as an
 * {@link InvalidOptionsError}. What `express.raw()` read is taken.
 */
export function expressHandler(receiver: Pick<HttpReceiver, 'handle'>): RequestHandler {
  return (request, response, next) => {
    const raw: unknown = request.body;
    if (request.readableDidRead && !Buffer.isBuffer(raw)) {
      next(
        new InvalidOptionsError('A middleware has parsed the body before the receiver saw it. Mount the receiver before express.json().'),
      );
      return;
    }
    serve(receiver, request, response, Buffer.isBuffer(raw) ? raw : undefined).catch(next);
  };
}
