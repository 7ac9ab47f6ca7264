import { connect } from 'node:net';
import type { Socket } from 'node:net';
import type { Document } from 'bson';
import { decodeMessage, encodeLegacyQuery, encodeMessage, FLAGS } from './op-msg.js';
import type { Message } from './op-msg.js';

export interface RawConnectionOptions {
  /** `false` keeps Int32, Double and Long apart in replies; else int64 comes as `bigint` and the rest as JavaScript has it. */
  readonly promoteValues?: boolean;
  /** Goes into the opening `hello` beside what every client says, e.g. `client` with an application name. */
  readonly hello?: Document;
}

export interface SendOptions {
  readonly sequences?: Readonly<Record<string, readonly Document[]>>;
  /** The server is to answer nothing. */
  readonly moreToCome?: boolean;
  /** The server may answer again and again. */
  readonly exhaustAllowed?: boolean;
}

/** One socket to a MongoDB server and no driver in between: what is sent is what the test says, what comes back is not interpreted. */
export class RawConnection {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, Waiter>();
  readonly #unasked: Message[] = [];
  #onUnasked: Waiter | undefined;
  #received: Buffer[] = [];
  #bytesReceived = 0;
  #bytesNeeded = 0;
  #requests = 0;
  #ended: Error | undefined;
  #hello: Document = {};

  private constructor(
    host: string,
    port: number,
    private readonly promoteValues: boolean,
  ) {
    this.#socket = connect({ host, port, noDelay: true });
    this.#socket.on('data', (data: Buffer) => this.#receive(data));
    this.#socket.on('error', (error) => this.#end(error));
    this.#socket.on('close', () => this.#end(new Error('The connection was closed.')));
  }

  /** Connects to the first host of the URL and says hello, as a driver does: in a legacy query. */
  static async open(url: string, { promoteValues = true, hello = {} }: RawConnectionOptions = {}): Promise<RawConnection> {
    const { host, port } = addressOf(url);
    const connection = new RawConnection(host, port, promoteValues);
    connection.#hello = await connection.legacyHello({ ismaster: 1, helloOk: true, ...hello });
    return connection;
  }

  /** What the server answered when this was opened. */
  get hello(): Document {
    return this.#hello;
  }

  get closed(): boolean {
    return this.#ended !== undefined;
  }

  /** Sends a command and resolves with the reply as it is, a failure's too. Rejects when the connection ends before. */
  run(db: string, command: Document, options?: SendOptions): Promise<Document> {
    return this.#replyTo(this.send(db, command, options)).then(({ document }) => document);
  }

  /** The same with the whole message, for its flags and numbers. */
  exchange(db: string, command: Document, options?: SendOptions): Promise<Message> {
    return this.#replyTo(this.send(db, command, options));
  }

  /** Sends a command and reads nothing. Its reply, if one comes, is among those that {@link unasked} gives. */
  send(db: string, command: Document, { sequences = {}, moreToCome = false, exhaustAllowed = false }: SendOptions = {}): number {
    const requestId = (this.#requests += 1);
    const flags = (moreToCome ? FLAGS.moreToCome : 0) | (exhaustAllowed ? FLAGS.exhaustAllowed : 0);
    this.sendBytes(encodeMessage({ requestId, flags, document: { ...command, $db: db }, sequences }));
    return requestId;
  }

  sendBytes(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  legacyHello(command: Document): Promise<Document> {
    return this.legacyQuery(command).then(({ document }) => document);
  }

  /** A command to `admin` in the form that only `hello` still has. */
  legacyQuery(command: Document): Promise<Message> {
    const requestId = (this.#requests += 1);
    this.sendBytes(encodeLegacyQuery(requestId, command));
    return this.#replyTo(requestId);
  }

  /** The next reply that nobody waits for: to a command that was sent without reading, or a further one of a stream. */
  async unasked(): Promise<Message> {
    const message = this.#unasked.shift();
    if (message) return message;
    if (this.#ended) throw this.#ended;
    return new Promise((resolve, reject) => (this.#onUnasked = { resolve, reject }));
  }

  /** Ends the connection at once, as a client that dies does: what is under way gets no reader. */
  cut(): void {
    this.#socket.resetAndDestroy();
  }

  async close(): Promise<void> {
    if (this.#socket.destroyed) return;
    const closed = new Promise((resolve) => this.#socket.once('close', resolve));
    this.#socket.destroy();
    await closed;
  }

  #replyTo(requestId: number): Promise<Message> {
    return new Promise((resolve, reject) => {
      if (this.#ended) reject(this.#ended);
      else this.#waiting.set(requestId, { resolve, reject });
    });
  }

  #receive(data: Buffer): void {
    this.#received.push(data);
    this.#bytesReceived += data.length;
    if (this.#bytesReceived < this.#bytesNeeded) return; // a large reply comes in many pieces: they are joined once
    try {
      let rest = Buffer.concat(this.#received);
      for (let next; (next = decodeMessage(rest, this.promoteValues));) {
        rest = rest.subarray(next.length);
        this.#deliver(next.message);
      }
      this.#received = [rest];
      this.#bytesReceived = rest.length;
      this.#bytesNeeded = rest.length < 4 ? 4 : rest.readInt32LE(0);
    } catch (error) {
      this.#socket.destroy(error as Error);
    }
  }

  #deliver(message: Message): void {
    const asked = this.#waiting.get(message.responseTo);
    if (asked) {
      this.#waiting.delete(message.responseTo);
      asked.resolve(message);
    } else if (this.#onUnasked) {
      this.#onUnasked.resolve(message);
      this.#onUnasked = undefined;
    } else this.#unasked.push(message);
  }

  #end(error: Error): void {
    if (this.#ended) return;
    this.#ended = error;
    for (const { reject } of [...this.#waiting.values(), this.#onUnasked ?? { reject: () => {} }]) reject(error);
    this.#waiting.clear();
  }
}

interface Waiter {
  readonly resolve: (message: Message) => void;
  readonly reject: (error: Error) => void;
}

function addressOf(url: string): { readonly host: string; readonly port: number } {
  const { hostname, port } = new URL(url.replace(/^mongodb:/, 'http:').replace(/,[^/?]*/, ''));
  return { host: hostname, port: Number(port || 27_017) };
}
