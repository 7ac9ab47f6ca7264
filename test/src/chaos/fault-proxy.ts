import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

/** What becomes of a request at which the connection is cut: the server gets it and its answer is lost, or the server never gets it. */
export type CutRequest = 'carried-out' | 'lost';

interface ArmedCut {
  isAt(request: Buffer): boolean;
  readonly request: CutRequest;
}

/** A bad network on loopback before any server: cuts connections, also at a chosen request, swallows everything, or is slow. */
export class FaultProxy {
  /** How often a chosen request came and was cut. */
  cuts = 0;
  /** How much later everything arrives, in milliseconds, each way. */
  delayMs = 0;
  readonly #server = createServer((client) => this.#join(client));
  readonly #sockets = new Set<Socket>();
  #armed: ArmedCut | undefined;
  #isShut = false;

  private constructor(private readonly target: URL) {}

  static async before(url: string): Promise<FaultProxy> {
    const proxy = new FaultProxy(new URL(url));
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  /** The same address through this proxy. */
  get url(): string {
    const url = new URL(this.target);
    url.host = `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    if (url.protocol === 'mongodb:') {
      url.searchParams.delete('replicaSet'); // it would ask the server for its address and walk round
      url.searchParams.set('directConnection', 'true');
    }
    return url.href;
  }

  /** Ends every connection; new ones are made. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Ends one connection, at the next request that fits: the bytes of it, as far as they came at once. */
  cutAt(isAt: (request: Buffer) => boolean, request: CutRequest): void {
    this.#armed = { isAt, request };
  }

  /** A black hole: connections stay as they are, and nothing comes through. */
  shut(): void {
    this.#isShut = true;
    for (const socket of this.#sockets) socket.pause();
  }

  /** What was on its way arrives; nothing is cut or slow any more. */
  open(): void {
    this.#isShut = false;
    this.#armed = undefined;
    this.delayMs = 0;
    for (const socket of this.#sockets) socket.resume();
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.cut();
    await closed;
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
      socket.setNoDelay();
      if (this.#isShut) socket.pause();
      socket.on('error', cut);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        cut();
      });
    }
    const [toServer, toClient] = [this.#wayTo(server), this.#wayTo(client)];
    client.on('data', (data) => {
      const armed = this.#armed?.isAt(data) ? this.#armed : undefined;
      if (!armed) return toServer(data);
      this.#armed = undefined;
      this.cuts++;
      if (armed.request === 'lost') return cut();
      cutAtAnswer = true;
      toServer(data);
    });
    server.on('data', (data) => (cutAtAnswer ? cut() : toClient(data)));
  }

  #wayTo(socket: Socket): (data: Buffer) => void {
    let last = Promise.resolve(); // what is slow now must not be overtaken when it is fast again
    let underWay = 0;
    return (data) => {
      if (this.delayMs === 0 && underWay === 0) return void socket.write(data);
      const due = performance.now() + this.delayMs;
      underWay++;
      last = last
        .then(() => new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now()))))
        .then(() => {
          underWay--;
          if (!socket.destroyed) socket.write(data);
        });
    };
  }
}
