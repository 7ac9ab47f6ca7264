import { createServer } from 'node:http';
import type { IncomingHttpHeaders, RequestListener, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Posted {
  readonly path: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: unknown;
}

/** A chat's webhook on loopback, which answers as a test wants it. */
export class WebhookServer {
  readonly posted: Posted[] = [];
  answer: (response: ServerResponse) => void = (response) => void response.end('ok');
  host = '';
  readonly #server: Server;

  constructor() {
    const listener: RequestListener = (request, response) => {
      void request.toArray().then((chunks) => {
        const body: unknown = JSON.parse(Buffer.concat(chunks as Buffer[]).toString());
        this.posted.push({ path: request.url, headers: request.headers, body });
        this.answer(response);
      });
    };
    this.#server = createServer(listener);
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.host = `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get url(): string {
    return `http://${this.host}/services/T0/s3cret`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
