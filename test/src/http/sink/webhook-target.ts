import { createServer } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export interface Taken {
  readonly id: string;
  readonly stream: string;
  readonly revision: bigint;
}

interface Event {
  readonly id: string;
  readonly subject: string;
  readonly sequence: string;
}

/**
 * An endpoint as plain as can be: it keeps what it understands, knows again what it has, and answers 200. It reads CloudEvents by hand, so that
 * it cannot agree with a mistake of the sink's.
 */
export class WebhookTarget {
  readonly taken: Taken[] = [];
  readonly #refused = new Set<string>();
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #port = 0;

  static async start(): Promise<WebhookTarget> {
    const target = new WebhookTarget();
    await target.open();
    return target;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/hook`;
  }

  refuse(id: string): void {
    this.#refused.add(id);
  }

  /** On the port that it had before. Idempotent. */
  async open(): Promise<void> {
    this.#refused.clear();
    if (this.#server) return;
    this.#server = createServer((request, response) => void this.#take(request, response));
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    await new Promise<void>((resolve) => this.#server!.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Nobody can connect any more; what is under way gets no answer. Idempotent. */
  async close(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = undefined;
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks = await request.toArray().catch(() => undefined);
    if (!chunks) return;
    const events = eventsIn(request.headers, Buffer.concat(chunks as Buffer[]).toString());
    let accepted = 0;
    for (const { id, subject, sequence } of events) {
      if (this.#refused.has(id)) break;
      if (!this.taken.some((taken) => taken.id === id)) this.taken.push({ id, stream: subject, revision: BigInt(sequence) });
      accepted++;
    }
    const status = accepted === events.length ? 200 : 422;
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ accepted }));
  }
}

function eventsIn(headers: IncomingHttpHeaders, body: string): readonly Event[] {
  const type = headers['content-type'] ?? '';
  if (type.startsWith('application/cloudevents-batch+json')) return JSON.parse(body) as readonly Event[];
  if (type.startsWith('application/cloudevents+json')) return [JSON.parse(body) as Event];
  return [{ id: textOf(headers, 'ce-id'), subject: textOf(headers, 'ce-subject'), sequence: textOf(headers, 'ce-sequence') }];
}

const textOf = (headers: IncomingHttpHeaders, name: string): string => decodeURIComponent(String(headers[name]));
