import { createServer } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { Certificate } from './certificates.js';

/** A request that was read to its end. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** What a server does with a request that it has read; `nth` is 0 for the first. */
export type Answer = (request: SeenRequest, response: ServerResponse, nth: number) => void;

/** An HTTP server on loopback that behaves as a test wants it: well, or not. */
export class HostileServer {
  readonly requests: SeenRequest[] = [];
  /** Connections that were made. */
  connections = 0;
  readonly #server: Server;
  readonly #scheme: 'http' | 'https';
  readonly #sockets = new Set<Socket>();
  #answer: Answer;

  private constructor(answer: Answer, certificate: Certificate | undefined) {
    const listener = (request: IncomingMessage, response: ServerResponse): void => void this.#take(request, response);
    this.#answer = answer;
    this.#scheme = certificate ? 'https' : 'http';
    this.#server = certificate ? createTlsServer({ ...certificate }, listener) : createServer(listener);
    this.#server.on('connection', (socket) => {
      this.connections++;
      this.#sockets.add(socket);
      socket.on('error', () => {}); // broken on purpose
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  /** @param options - with a certificate it speaks TLS */
  static async start(answer: Answer, { certificate }: { readonly certificate?: Certificate } = {}): Promise<HostileServer> {
    const server = new HostileServer(answer, certificate);
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  /** Without a slash at its end. */
  get url(): string {
    return `${this.#scheme}://127.0.0.1:${this.port}`;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** What is done from the next request on. */
  answers(answer: Answer): void {
    this.#answer = answer;
  }

  /** With every connection, whatever is still under way. Idempotent. */
  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      return; // the client hung up before it had said all
    }
    const { method = '', url: path = '', headers } = request;
    const seen: SeenRequest = { method, path, headers, body: Buffer.concat(chunks) };
    this.requests.push(seen);
    this.#answer(seen, response, this.requests.length - 1);
  }
}
