import type { RequestListener } from 'node:http';
import type { HttpReceiver } from '../http-receiver.js';
import { serve } from './serve.js';

/**
 * The receiver as a listener of `node:http`, `node:https`, or of `node:http2` in its compatible form: `createServer(nodeListener(receiver))`.
 *
 * Every path is the receiver's; ask for others before it.
 */
export function nodeListener(receiver: Pick<HttpReceiver, 'handle'>): RequestListener {
  return (request, response) => void serve(receiver, request, response);
}
