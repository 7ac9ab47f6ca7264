import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { AddressUnavailableError } from '../emulator-errors.js';

export interface EndpointOptions {
  readonly host: string;
  /** 0 for any free one; it is then kept over {@link Endpoint.close} and {@link Endpoint.open}. */
  readonly port: number;
  readonly accept: (socket: Socket) => void;
}

/** The port, kept over closing and opening again. */
export class Endpoint {
  readonly #options: EndpointOptions;
  #port: number;
  #listener: Server | undefined;

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
    const listener = createServer({ noDelay: true }, this.#options.accept);
    try {
      await new Promise<void>((resolve, reject) => {
        listener.once('error', reject);
        listener.listen(this.#port, this.#options.host, resolve);
      });
    } catch (cause) {
      throw new AddressUnavailableError(this.#options.host, this.#port, { cause });
    }
    this.#port = (listener.address() as AddressInfo).port;
    this.#listener = listener;
  }

  /** Stops listening. Resolves once the sockets are closed as well, which is for their owners to do. */
  async close(): Promise<void> {
    const listener = this.#listener;
    if (!listener) return;
    this.#listener = undefined;
    await new Promise((resolve) => listener.close(resolve));
  }
}
