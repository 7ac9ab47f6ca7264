import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

/** A way to a server that counts what comes back over it, and keeps nothing itself: who reads slowly is felt by the server. */
export class NarrowWay {
  /** Bytes that the client's socket took. */
  bytesBack = 0;
  readonly #sockets = new Set<Socket>();
  readonly #server;

  private constructor(port: number) {
    this.#server = createServer((client) => {
      const server = connect(port, '127.0.0.1');
      for (const socket of [client, server]) {
        this.#sockets.add(socket);
        socket.on('error', () => {});
        socket.on('close', () => [client, server].forEach((other) => other.destroy()));
      }
      server.on('data', ({ length }) => (this.bytesBack += length));
      server.pipe(client).pipe(server);
    });
  }

  static async to(port: number): Promise<NarrowWay> {
    const way = new NarrowWay(port);
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
