import type { Document } from 'bson';
import { find, insert } from './commands.js';
import { documentsOf, succeeded } from './replies.js';
import type { RawPool } from './raw-pool.js';
import type { SendOptions } from './raw-connection.js';
import { RawSession } from './raw-session.js';
import type { RawTransaction } from './raw-session.js';

/** A database that nobody else has: one for each test, or for a few that do not meet. */
export class TestDatabase {
  /** Of the sessions that were made here, for whoever tidies up: a transaction that a test leaves open keeps a database from being dropped. */
  readonly lsids: Document[] = [];

  constructor(
    readonly name: string,
    private readonly pool: RawPool,
  ) {}

  /** A command outside any session. */
  run(command: Document, options?: SendOptions): Promise<Document> {
    return this.pool.run(this.name, command, options);
  }

  /** The same for `admin`. */
  admin(command: Document): Promise<Document> {
    return this.pool.run('admin', command);
  }

  session(): RawSession {
    const session = new RawSession(this.pool, this.name);
    this.lsids.push(session.lsid);
    return session;
  }

  /** A transaction of a new session. */
  transaction(): RawTransaction {
    return this.session().transaction();
  }

  async insert(collection: string, ...documents: Document[]): Promise<void> {
    succeeded(await this.run(insert(collection, documents)));
  }

  async create(...collections: string[]): Promise<void> {
    for (const create of collections) succeeded(await this.run({ create }));
  }

  /** What is committed in a collection, by `_id`. */
  async all(collection: string, filter: Document = {}): Promise<Document[]> {
    return documentsOf(await this.run(find(collection, filter, { sort: { _id: 1 }, batchSize: 10_000 })));
  }

  async one(collection: string, id: unknown): Promise<Document | undefined> {
    return (await this.all(collection, { _id: id }))[0];
  }
}
