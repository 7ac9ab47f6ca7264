/**
 * A target in a process of its own: takes everything, keeps what came, and answers at once, or after as many milliseconds as the path says.
 * Ends when its parent is gone.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CountingOrder, CountingReport, ReceivedHttp } from './counting-reports.js';

const ANSWER = JSON.stringify({ outcome: 'handled' });
const HEADERS = { 'content-type': 'application/json', 'content-length': String(ANSWER.length) };

let received: ReceivedHttp[] = [];

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    received.push({ headers: request.headers as Record<string, string>, body: Buffer.concat(chunks).toString() });
    const answer = (): void => void response.writeHead(200, HEADERS).end(ANSWER);
    const afterMs = Number(request.url?.slice(1));
    if (afterMs > 0) setTimeout(answer, afterMs);
    else answer();
  });
});
server.keepAliveTimeout = 60_000; // nobody's connection is to be closed in the middle of a round

process.once('disconnect', () => process.exit());
process.on('message', (order: CountingOrder) => {
  const since = received;
  received = [];
  report(order === 'counted' ? { kind: 'counted', bodies: since.map(({ body }) => body) } : { kind: 'recorded', requests: since });
});
server.listen(0, '127.0.0.1', () => report({ kind: 'listening', port: (server.address() as AddressInfo).port }));

function report(message: CountingReport): void {
  process.send?.(message);
}
