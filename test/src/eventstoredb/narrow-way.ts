import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

export interface WayOptions {
  /** What a client sends within so many milliseconds reaches the server at once. Default: as it comes. */
  readonly bundleMs?: number;
}

/** A way to a server that counts what comes back over it, and keeps nothing of that: who reads slowly is felt by the server. */
export class NarrowWay {
  /** Bytes that the client's socket took. */
  bytesBack = 0;
  readonly #sockets = new Set<Socket>();
  readonly #server;

  private constructor(port: number, bundleMs: number | undefined) {
    this.#server = createServer((client) => {
      const server = connect(port, '127.0.0.1');
      for (const socket of [client, server]) {
        this.#sockets.add(socket);
        socket.on('error', () => {});
        socket.on('close', () => [client, server].forEach((other) => other.destroy()));
      }
      server.on('data', ({ length }) => (this.bytesBack += length));
      server.pipe(client);
      if (bundleMs === undefined) client.pipe(server);
      else pipeInBundles(client, server, bundleMs);
    });
  }

  static async to(port: number, { bundleMs }: WayOptions = {}): Promise<NarrowWay> {
    const way = new NarrowWay(port, bundleMs);
    await new Promise<void>((resolve) => way.#server.listen(0, '127.0.0.1', resolve));
    return way;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function pipeInBundles(from: Socket, to: Socket, ms: number): void {
  let bundle: Buffer[] = [];
  from.on('data', (bytes: Buffer) => {
    if (bundle.length === 0)
      setTimeout(() => {
        if (to.writable) to.write(Buffer.concat(bundle));
        bundle = [];
      }, ms);
    bundle.push(bytes);
  });
}
