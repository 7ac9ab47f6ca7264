import { once } from 'node:events';
import type { Writable } from 'node:stream';
import type { Answer } from './hostile-server.js';

const CHUNK = 'x'.repeat(16_384);

/** Has read the request, and resets the connection. */
export const resetting: Answer = (_request, response) => void response.socket?.resetAndDestroy();

/** Resets the connection in the middle of the answer's body, a moment after its head. */
export const resettingInAnswer: Answer = (_request, response) => {
  response.writeHead(200, { 'content-type': 'text/plain', 'content-length': '100' });
  // A reset overtakes what the client has not read yet.
  response.write('only this', () => setTimeout(() => response.socket?.resetAndDestroy(), 20));
};

/** Promises more than it sends, and hangs up. */
export const promisingTooMuch: Answer = (_request, response) =>
  void response.socket?.end('HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 100\r\n\r\nonly this');

/** Promises less than it sends: what is too much stands where the next answer should begin. */
export const promisingTooLittle: Answer = (_request, response) =>
  void response.socket?.write('HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 4\r\n\r\nonly this, and this');

/** Sends a body without end, as fast as it is read. */
export const endlessBody: Answer = (_request, response) => {
  response.writeHead(200, { 'content-type': 'text/plain' });
  void pour(response, () => CHUNK);
};

/** Sends headers without end. */
export const endlessHeaders: Answer = (_request, { socket }) => {
  if (!socket) return;
  socket.write('HTTP/1.1 200 OK\r\n');
  let nth = 0;
  void pour(socket, () => `x-filler-${nth++}: ${'x'.repeat(200)}\r\n`);
};

/** Does not speak HTTP. */
export const babbling: Answer = (_request, response) => void response.socket?.end('220 mail.example ESMTP\r\n');

async function pour(into: Writable, next: () => string): Promise<void> {
  const hungUp = new AbortController();
  into.on('close', () => hungUp.abort());
  try {
    while (!into.destroyed) if (!into.write(next())) await once(into, 'drain', { signal: hungUp.signal });
  } catch {
    // the client has heard enough
  }
}
