import type { IncomingMessage, ServerResponse } from 'node:http';
import { finished } from 'node:stream';
import type { HttpReceiver } from '../http-receiver.js';

/** What every adapter for Node's servers does. Headers that were set on the response before stay. */
export async function serve(
  receiver: Pick<HttpReceiver, 'handle'>,
  request: IncomingMessage,
  response: ServerResponse,
  // Whoever ends the iteration early must not end the connection with it: the answer has to get through.
  body: Uint8Array | AsyncIterable<Uint8Array> = request.iterator({ destroyOnReturn: false }),
): Promise<void> {
  const hungUp = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) hungUp.abort();
  });
  const reply = await receiver.handle({ method: request.method ?? '', headers: request.headers, body, signal: hungUp.signal });
  if (response.destroyed) return;
  response.writeHead(reply.status, { ...reply.headers, 'content-length': Buffer.byteLength(reply.body) });
  if (reply.headers['connection'] !== 'close' || request.complete) {
    response.end(reply.body);
    return;
  }
  response.write(reply.body);
  await drained(request);
  response.end();
}

const LINGER_MS = 1_000;

/**
 * A connection that is closed while its client still sends is reset, and the client never sees the answer: what comes within a second is thrown
 * away first.
 */
function drained(request: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, LINGER_MS);
    finished(request, () => {
      clearTimeout(timer);
      resolve();
    });
    request.resume();
  });
}
