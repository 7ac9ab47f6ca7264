import { createServer } from 'node:net';
import type { AddressInfo, Server as NetServer, Socket } from 'node:net';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { AddressUnavailableError } from '../emulator-errors.js';

export interface EndpointOptions {
  readonly host: string;
  /** 0 for any free port; the port is then kept over {@link Endpoint.close} and {@link Endpoint.open}. */
  readonly port: number;
  /** Adds the services to a new server. */
  readonly serve: (server: Server) => void;
}

const MAX_MESSAGE_BYTES = 16 * 1024 * 1024 + 64 * 1024;
const FLOW_CONTROL_BYTES = 4 * 1024 * 1024;

/** The port, its connections, and the gRPC server behind them. Holds the sockets itself, so that they can be torn like a killed process's. */
export class Endpoint {
  readonly #options: EndpointOptions;
  readonly #sockets = new Set<Socket>();
  #port: number;
  #listener: NetServer | undefined;
  #server: Server | undefined;
  #inject: (socket: Socket) => void = () => {};

  constructor(options: EndpointOptions) {
    this.#options = options;
    this.#port = options.port;
  }

  get port(): number {
    return this.#port;
  }

  /** @throws {@link AddressUnavailableError} the address is taken or not ours */
  async open(): Promise<void> {
    if (this.#listener) return;
    this.#startServer();
    const listener = createServer((socket) => this.#accept(socket));
    try {
      await new Promise<void>((resolve, reject) => {
        listener.once('error', reject);
        listener.listen(this.#port, this.#options.host, resolve);
      });
    } catch (cause) {
      this.#stopServer();
      throw new AddressUnavailableError(this.#options.host, this.#port, { cause });
    }
    this.#port = (listener.address() as AddressInfo).port;
    this.#listener = listener;
  }

  /** Stops listening and ends every connection: `reset` as the kernel does for a killed process, otherwise as an orderly exit does. */
  async close({ reset }: { readonly reset: boolean }): Promise<void> {
    const listener = this.#listener;
    if (!listener) return;
    this.#listener = undefined;
    const closed = new Promise((resolve) => listener.close(resolve));
    if (reset) this.tearConnections();
    else for (const socket of this.#sockets) socket.destroy();
    this.#stopServer();
    await closed;
  }

  tearConnections(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** Ends every call with CANCELLED, by the gRPC server's own forced shutdown; a new one takes its place at once. */
  cancelCalls(): void {
    const server = this.#server;
    this.#startServer();
    server?.forceShutdown();
  }

  #accept(socket: Socket): void {
    socket.setNoDelay(true);
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    socket.on('error', () => {}); // a client went away: 'close' follows
    this.#inject(socket);
  }

  #startServer(): void {
    const server = new Server({
      'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
      'grpc-node.flow_control_window': FLOW_CONTROL_BYTES,
    });
    this.#options.serve(server);
    const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
    this.#inject = (socket) => injector.injectConnection(socket);
    this.#server = server;
  }

  #stopServer(): void {
    this.#server?.forceShutdown();
    this.#server = undefined;
  }
}
