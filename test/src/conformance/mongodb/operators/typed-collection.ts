import { EJSON } from 'bson';
import type { Document } from 'bson';
import { aggregate, find, findAndModify, insert, update, upsert } from '../commands.js';
import type { RawConnection } from '../raw-connection.js';
import { documentsOf, succeeded, writeErrorOf } from '../replies.js';
import type { ServerUnderTest } from '../server-under-test.js';

const NAME = 'c';

/** A collection whose values keep their types in replies: an int32 is not a double. */
export class TypedCollection {
  private constructor(
    private readonly connection: RawConnection,
    private readonly db: string,
  ) {}

  static async on(server: ServerUnderTest): Promise<TypedCollection> {
    return new TypedCollection(await server.connection({ promoteValues: false }), server.database().name);
  }

  run(command: Document): Promise<Document> {
    return this.connection.run(this.db, command);
  }

  async insert(...documents: Document[]): Promise<void> {
    succeeded(plain(await this.run(insert(NAME, documents))));
  }

  async clear(): Promise<void> {
    await this.run({ drop: NAME });
  }

  async find(filter: Document, more: Document = {}): Promise<Document[]> {
    return this.#documents(find(NAME, filter, { batchSize: 1000, ...more }));
  }

  async aggregate(...pipeline: Document[]): Promise<Document[]> {
    return this.#documents(aggregate(NAME, pipeline, { cursor: { batchSize: 1000 } }));
  }

  /** Updates one document, and gives back what is stored then. */
  async updated(before: Document, u: Document | Document[], statement: Document = {}): Promise<Document> {
    await this.clear();
    await this.insert(before);
    succeeded(plain(await this.run(update(NAME, (statement['q'] ?? {}) as Document, u, withoutQuery(statement)))));
    return (await this.find({}))[0]!;
  }

  async upserted(q: Document, u: Document | Document[]): Promise<Document> {
    await this.clear();
    succeeded(plain(await this.run(upsert(NAME, q, u))));
    return (await this.find({}))[0]!;
  }

  /** The code with which an update of this document fails. */
  async updateCode(before: Document, u: Document | Document[], statement: Document = {}): Promise<number> {
    await this.clear();
    await this.insert(before);
    return codeOf(plain(await this.run(update(NAME, (statement['q'] ?? {}) as Document, u, withoutQuery(statement)))));
  }

  async upsertCode(q: Document, u: Document | Document[]): Promise<number> {
    return codeOf(plain(await this.run(upsert(NAME, q, u))));
  }

  async findCode(filter: Document, more: Document = {}): Promise<number> {
    return codeOf(plain(await this.run(find(NAME, filter, more))));
  }

  async aggregateCode(...pipeline: Document[]): Promise<number> {
    return codeOf(plain(await this.run(aggregate(NAME, pipeline))));
  }

  async modified(query: Document, more: Document): Promise<Document> {
    return succeeded(plain(await this.run(findAndModify(NAME, query, more))));
  }

  async #documents(command: Document): Promise<Document[]> {
    const reply = await this.run(command);
    if (plain(reply)['ok'] !== 1) throw new Error(`The command failed: ${exactly(reply)}`);
    return documentsOf({ ...reply, ok: 1 });
  }
}

/** A text that is the same for values that are the same to the bit, types included. Whole numbers of JavaScript are int32. */
export function exactly(value: unknown): string {
  return EJSON.stringify(value, { relaxed: false });
}

function codeOf(reply: Document): number {
  return (reply['ok'] === 1 ? writeErrorOf(reply) : reply)['code'] as number;
}

/** A reply with the numbers of JavaScript, as the helpers for replies read them. */
function plain(reply: Document): Document {
  return EJSON.parse(EJSON.stringify(reply, { relaxed: true })) as Document;
}

function withoutQuery({ q: _, ...statement }: Document): Document {
  return statement;
}
