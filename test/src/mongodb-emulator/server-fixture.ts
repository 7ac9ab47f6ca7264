import { MongoDBEmulator } from '@waybill/mongodb-emulator';
import type { EmulatorOptions } from '@waybill/mongodb-emulator';
import { MongoClient } from 'mongodb';
import type { Db, Document, MongoClientOptions, MongoError } from 'mongodb';

/** An emulator and the unmodified driver connected to it. */
export class Emulated {
  readonly #clients: MongoClient[] = [];

  private constructor(readonly emulator: MongoDBEmulator) {}

  static async start(options?: EmulatorOptions): Promise<Emulated> {
    return new Emulated(await MongoDBEmulator.start(options));
  }

  /** A client of its own; closed with the rest. */
  connect(options: MongoClientOptions = {}): MongoClient {
    const client = new MongoClient(this.emulator.url, { serverSelectionTimeoutMS: 3_000, ...options });
    this.#clients.push(client);
    return client;
  }

  /** The database of a client of its own. */
  database(options?: MongoClientOptions): Db {
    return this.connect(options).db('test');
  }

  async failPoint(name: string, mode: Document | string, data: Document = {}): Promise<void> {
    await this.connect().db('admin').command({ configureFailPoint: name, mode, data });
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
    await this.emulator.stop();
  }
}

/** What a promise is rejected with; fails when it is not. */
export async function failureOf(act: Promise<unknown>): Promise<MongoError> {
  return act.then(
    () => {
      throw new Error('It did not fail.');
    },
    (error: unknown) => error as MongoError,
  );
}
