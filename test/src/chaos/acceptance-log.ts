import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { createInterface } from 'node:readline';

export interface LoggedMessage {
  readonly id: string;
  readonly stream: string;
  readonly revision: number;
  readonly text: string;
}

/** A batch, or the front of one, that the log has taken. */
export interface LoggedDelivery {
  readonly instance: string;
  readonly lane: number;
  readonly epoch: number;
  /** In milliseconds since 1970, by the log's clock. */
  readonly at: number;
  readonly messages: readonly LoggedMessage[];
}

/** A line that a sink sends. */
export interface LogRequest extends Omit<LoggedDelivery, 'at'> {
  readonly nth: number;
}

/** The answer: how many messages from the front were taken. */
export interface LogAnswer {
  readonly nth: number;
  readonly accepted: number;
}

/** The target of the route `log`, on loopback: has written down what it was sent before it answers, and forgets nothing. */
export class AcceptanceLog {
  /** In the order in which they were accepted. */
  readonly deliveries: LoggedDelivery[] = [];
  readonly acceptedIds = new Set<string>();
  /** How many messages of a batch are taken; a target that stumbles takes fewer. */
  take: (messages: number) => number = (messages) => messages;
  readonly #server = createServer((socket) => this.#serve(socket));
  readonly #sockets = new Set<Socket>();

  static async start(): Promise<AcceptanceLog> {
    const log = new AcceptanceLog();
    await new Promise<void>((resolve) => log.#server.listen(0, '127.0.0.1', resolve));
    return log;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    const lines = createInterface({ input: socket });
    lines.on('error', () => socket.destroy()); // of the socket: who sends may be killed at any time
    lines.on('line', (line) => {
      const request = requestIn(line);
      if (request) socket.write(`${JSON.stringify(this.#accept(request))}\n`);
    });
  }

  #accept({ nth, messages, ...delivery }: LogRequest): LogAnswer {
    const accepted = this.take(messages.length);
    if (accepted > 0) this.deliveries.push({ ...delivery, at: Date.now(), messages: messages.slice(0, accepted) });
    for (const { id } of messages.slice(0, accepted)) this.acceptedIds.add(id);
    return { nth, accepted };
  }
}

/** Who was killed in the middle of a line has sent nothing. */
function requestIn(line: string): LogRequest | undefined {
  try {
    return JSON.parse(line) as LogRequest;
  } catch {
    return undefined;
  }
}
