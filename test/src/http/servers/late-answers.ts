import type { ServerResponse } from 'node:http';
import { answering } from './answers.js';
import type { Answer } from './hostile-server.js';

/** Reads, and never answers. */
export const silent: Answer = () => {};

/** Nothing for so long, and then the answer. */
export const late =
  (afterMs: number, answer: Answer = answering()): Answer =>
  (request, response, nth) =>
    whileOpen(response, setTimeout(answer, afterMs, request, response, nth));

/** Status and headers at once, then a byte of the body every so often. It ends after `bytes`, or never. */
export const trickling =
  (everyMs: number, bytes = Infinity): Answer =>
  (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/plain' }).flushHeaders();
    let sent = 0;
    const drip = (): void => void (++sent < bytes ? response.write('.') : response.end('.'));
    whileOpen(response, setInterval(drip, everyMs));
  };

function whileOpen(response: ServerResponse, timer: NodeJS.Timeout): void {
  response.on('close', () => clearTimeout(timer));
}
