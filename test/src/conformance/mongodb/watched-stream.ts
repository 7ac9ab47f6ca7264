import type { Document } from 'bson';
import type { RawConnection } from './raw-connection.js';
import { succeeded } from './replies.js';
import type { ServerUnderTest } from './server-under-test.js';

export interface WatchOptions {
  readonly db: string;
  /** A collection's name; without one the whole database is watched. */
  readonly collection?: string;
  readonly stage?: Document;
  readonly pipeline?: readonly Document[];
  readonly batchSize?: number;
}

const WAIT_MS = 200;
const PATIENCE_MS = 4_000;

/** A change stream on a connection of its own, so that waiting for an event keeps nobody else waiting. */
export class WatchedStream {
  readonly #unread: Document[] = [];
  #id: bigint;
  #token: Document;

  private constructor(
    private readonly connection: RawConnection,
    private readonly db: string,
    private readonly collection: string,
    /** The answer to the opening command. */
    readonly opening: Document,
  ) {
    const { id, firstBatch, postBatchResumeToken } = opening['cursor'] as OpenCursor;
    this.#id = id;
    this.#token = postBatchResumeToken;
    this.#unread.push(...firstBatch);
  }

  static async open(
    server: ServerUnderTest,
    { db, collection, stage = {}, pipeline = [], batchSize = 0 }: WatchOptions,
  ): Promise<WatchedStream> {
    const connection = await server.connection();
    const command = { aggregate: collection ?? 1, pipeline: [{ $changeStream: stage }, ...pipeline], cursor: { batchSize } };
    const opening = succeeded(await connection.run(db, command));
    return new WatchedStream(connection, db, collection ?? '$cmd.aggregate', opening);
  }

  /** The token behind everything that was read. */
  get token(): Document {
    return this.#token;
  }

  get open(): boolean {
    return this.#id !== 0n;
  }

  /** The reply to one request for more, as it is. */
  async more(maxTimeMS = WAIT_MS, options: Document = {}): Promise<Document> {
    const reply = await this.connection.run(this.db, { getMore: this.#id, collection: this.collection, maxTimeMS, ...options });
    if (reply['ok'] !== 1) return reply;
    const { id, nextBatch, postBatchResumeToken } = reply['cursor'] as NextCursor;
    this.#id = id;
    this.#token = postBatchResumeToken;
    this.#unread.push(...nextBatch);
    return reply;
  }

  /** The next so many events. */
  async next(count: number): Promise<Document[]> {
    const deadline = Date.now() + PATIENCE_MS;
    while (this.#unread.length < count) {
      if (!this.open || Date.now() > deadline) throw new Error(`Only ${this.#unread.length} of ${count} events came.`);
      succeeded(await this.more());
    }
    return this.#unread.splice(0, count);
  }

  /** Everything that comes until one request for more comes back empty. */
  async rest(): Promise<Document[]> {
    for (let before = -1; this.open && this.#unread.length > before;) {
      before = this.#unread.length;
      succeeded(await this.more(50));
    }
    return this.#unread.splice(0);
  }

  async close(): Promise<void> {
    if (this.open && !this.connection.closed) await this.connection.run(this.db, { killCursors: this.collection, cursors: [this.#id] });
    await this.connection.close();
  }
}

interface OpenCursor {
  readonly id: bigint;
  readonly firstBatch: Document[];
  readonly postBatchResumeToken: Document;
}

interface NextCursor {
  readonly id: bigint;
  readonly nextBatch: Document[];
  readonly postBatchResumeToken: Document;
}
