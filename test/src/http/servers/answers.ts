import type { Answer } from './hostile-server.js';

/** An answer as it should be. */
export const answering =
  (status = 200, body: unknown = { outcome: 'handled' }, headers: Readonly<Record<string, string>> = {}): Answer =>
  (_request, response) =>
    void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));

/** Too busy, and says for how long: in seconds, or until a date. HTTP dates have whole seconds. */
export const busy = (retryAfter: number | Date, status: 429 | 503 = 429): Answer =>
  answering(status, { title: 'busy' }, { 'retry-after': retryAfter instanceof Date ? retryAfter.toUTCString() : String(retryAfter) });

/** The first so many requests get one answer, all others the other. */
export const first =
  (many: number, answer: Answer, then: Answer = answering()): Answer =>
  (request, response, nth) =>
    (nth < many ? answer : then)(request, response, nth);

/** 503 so many times, and then well. */
export const storm = (many: number): Answer => first(many, answering(503, { title: 'down' }));

/** Sends the client elsewhere, e.g. to a private address. */
export const redirecting = (to: string, status: 301 | 302 | 303 | 307 | 308 = 307): Answer => answering(status, {}, { location: to });
