import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

const COMMIT = Buffer.from('commit\0');

/** A door to PostgreSQL on loopback that cuts one connection at its commit: before the server gets it, or before the client gets the answer. */
export class CommitCutter {
  readonly #server = createServer((client) => this.#join(client));
  readonly #sockets = new Set<Socket>();
  #next: 'carried-out' | 'lost' | undefined;

  private constructor(private readonly target: URL) {}

  static async before(url: string): Promise<CommitCutter> {
    const cutter = new CommitCutter(new URL(url));
    await new Promise<void>((resolve) => cutter.#server.listen(0, '127.0.0.1', resolve));
    return cutter;
  }

  /** The database's URL through this door. */
  get url(): string {
    const url = new URL(this.target);
    url.hostname = '127.0.0.1';
    url.port = String((this.#server.address() as AddressInfo).port);
    return url.href;
  }

  cutNextCommit(request: 'carried-out' | 'lost'): void {
    this.#next = request;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(client: Socket): void {
    const server = connect(Number(this.target.port), this.target.hostname);
    let cutAtAnswer = false;
    const cut = (): void => {
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.on('error', cut);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        cut();
      });
    }
    client.on('data', (data) => {
      const request = data.includes(COMMIT) ? this.#next : undefined;
      if (request === undefined) return void server.write(data);
      this.#next = undefined;
      if (request === 'lost') return cut();
      cutAtAnswer = true;
      server.write(data);
    });
    server.on('data', (data) => (cutAtAnswer ? cut() : client.write(data)));
  }
}
