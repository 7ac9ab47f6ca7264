import type { Document } from 'bson';
import { RawConnection } from './raw-connection.js';
import type { RawConnectionOptions, SendOptions } from './raw-connection.js';

/** As many connections as there are commands under way, so that one which waits keeps no other from running. */
export class RawPool {
  readonly #idle: RawConnection[] = [];
  readonly #all = new Set<RawConnection>();

  constructor(
    private readonly url: string,
    private readonly options: RawConnectionOptions = {},
  ) {}

  async run(db: string, command: Document, options?: SendOptions): Promise<Document> {
    const connection = await this.#checkOut();
    const reply = await connection.run(db, command, options);
    this.#idle.push(connection);
    return reply;
  }

  /** Ends all connections; the next command opens a new one. */
  async close(): Promise<void> {
    this.#idle.length = 0;
    await Promise.all([...this.#all].map((connection) => connection.close()));
  }

  async #checkOut(): Promise<RawConnection> {
    for (let idle; (idle = this.#idle.pop());) if (!idle.closed) return idle;
    const connection = await RawConnection.open(this.url, this.options);
    this.#all.add(connection);
    return connection;
  }
}
