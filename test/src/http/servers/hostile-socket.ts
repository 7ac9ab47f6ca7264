import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

/**
 * - `never-reads`: takes the connection, and nothing more; no TLS handshake either.
 * - `stops-reading`: reads the first bytes only, so that a large request cannot be written to its end.
 * - `resets`: resets each connection as soon as it is made.
 */
export type Rudeness = 'never-reads' | 'stops-reading' | 'resets';

/** A port on loopback behind which nobody gets as far as HTTP. */
export class HostileSocket {
  connections = 0;
  /** Bytes that were read. */
  read = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(rudeness: Rudeness) {
    this.#server = createServer({ pauseOnConnect: rudeness === 'never-reads' }, (socket) => {
      this.connections++;
      this.#sockets.add(socket);
      socket.on('error', () => {}); // broken on purpose
      socket.on('close', () => this.#sockets.delete(socket));
      if (rudeness === 'resets') socket.resetAndDestroy();
      if (rudeness === 'stops-reading')
        socket.on('data', (bytes) => {
          this.read += bytes.length;
          socket.pause();
        });
    });
  }

  static async start(rudeness: Rudeness): Promise<HostileSocket> {
    const socket = new HostileSocket(rudeness);
    await new Promise<void>((resolve) => socket.#server.listen(0, '127.0.0.1', resolve));
    return socket;
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Without a slash at its end. */
  get url(): string {
    return `http://${this.host}`;
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

/** An address on loopback at which connections are refused. */
export async function refusedUrl(): Promise<string> {
  const socket = await HostileSocket.start('resets');
  const { url } = socket;
  await socket.close();
  return url;
}
