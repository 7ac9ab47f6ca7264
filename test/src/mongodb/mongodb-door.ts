import { deserialize } from 'bson';
import type { Document } from 'bson';
import { connect, createServer } from 'node:net';
import { gate } from '@waybill/testing';
import type { AddressInfo, Socket } from 'node:net';

const HEADER_BYTES = 16;
const OP_MSG = 2013;
const FLAGS_AND_KIND_BYTES = 5;

/**
 * What to do with a request: let it through; keep it from the server; let the server carry it out and keep the answer; or hold it, and
 * everything after it, until the door is opened.
 */
export type Verdict = 'pass' | 'lose-request' | 'lose-answer' | 'hold';

/**
 * A door to a MongoDB on loopback, which sees each command and can lose it, or its answer, with the connection. Whoever goes through it
 * connects directly: otherwise the client would ask the server for its address and walk round.
 */
export class MongoDBDoor {
  /** Asked for each command. */
  judge: (command: Document) => Verdict = () => 'pass';
  readonly #server = createServer((client) => this.#join(client));
  readonly #sockets = new Set<Socket>();
  #isShut = false;
  #held = gate();
  readonly #waiting: (() => void)[] = [];

  private constructor(private readonly target: URL) {}

  static async before(url: string): Promise<MongoDBDoor> {
    const door = new MongoDBDoor(new URL(url));
    await new Promise<void>((resolve) => door.#server.listen(0, '127.0.0.1', resolve));
    return door;
  }

  get url(): string {
    const url = new URL(this.target);
    url.host = `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    url.searchParams.delete('replicaSet');
    url.searchParams.set('directConnection', 'true');
    return url.href;
  }

  /**
   * Loses one transaction's commit: the server never gets it, however often it is sent; or gets it, and its first answer is lost.
   */
  loseNextCommit(request: 'carried-out' | 'lost'): void {
    let lost: string | undefined;
    this.judge = (command) => {
      if (!('commitTransaction' in command)) return 'pass';
      const transaction = JSON.stringify([command['lsid'], command['txnNumber']]);
      const isFirst = lost === undefined;
      lost ??= transaction;
      if (request === 'carried-out') return isFirst ? 'lose-answer' : 'pass';
      return transaction === lost ? 'lose-request' : 'pass';
    };
  }

  /** Resolves as soon as a request is held. */
  get held(): Promise<void> {
    return this.#held.opened;
  }

  /** A network that is cut: connections stay as they are, nothing comes through, and new ones are not made. */
  shut(): void {
    this.#isShut = true;
    for (const socket of this.#sockets) socket.pause();
  }

  /** The network is back; what was on its way arrives. */
  open(): void {
    this.#isShut = false;
    this.#held = gate();
    for (const pass of this.#waiting.splice(0)) pass();
    for (const socket of this.#sockets) socket.resume();
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(client: Socket): void {
    const server = connect(Number(this.target.port), this.target.hostname);
    const cut = (): void => {
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      if (this.#isShut) socket.pause();
      socket.on('error', cut);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        cut();
      });
    }
    let cutAtAnswer = false;
    let received = Buffer.alloc(0);
    client.on('data', (data) => {
      received = Buffer.concat([received, data]);
      while (received.length >= HEADER_BYTES && received.length >= received.readInt32LE(0)) {
        const message = received.subarray(0, received.readInt32LE(0));
        received = received.subarray(message.length);
        const verdict = this.judge(commandIn(message));
        if (verdict === 'lose-request') return cut();
        cutAtAnswer ||= verdict === 'lose-answer';
        if (verdict !== 'hold') {
          server.write(message);
          continue;
        }
        this.#waiting.push(() => server.write(message));
        this.#held.open();
        this.shut();
      }
    });
    server.on('data', (data) => (cutAtAnswer ? cut() : client.write(data)));
  }
}

/** The command of an OP_MSG without its document sequences; of anything else, an empty one. */
function commandIn(message: Buffer): Document {
  if (message.readInt32LE(12) !== OP_MSG) return {};
  return deserialize(message.subarray(HEADER_BYTES + FLAGS_AND_KIND_BYTES), { allowObjectSmallerThanBufferSize: true });
}
