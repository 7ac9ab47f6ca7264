import { it } from 'mocha';
import { MongoDBEmulator } from '@waybill/mongodb-emulator';
import type { EmulatorOptions, RestartOptions } from '@waybill/mongodb-emulator';
import { RawConnection } from './raw-connection.js';
import type { RawConnectionOptions } from './raw-connection.js';
import { RawPool } from './raw-pool.js';
import { TestDatabase } from './test-database.js';

/** Opens the server that a suite talks to. */
export interface Servers {
  /** The server at MONGODB_URL, which takes no options, or an emulator of this suite's own. */
  open(options?: EmulatorOptions): Promise<ServerUnderTest>;
  /** A test of something that only an emulator can be made to do. Says so where it is left out. */
  itOnEmulator(title: string, test: () => Promise<void>): void;
}

export class ServerUnderTest {
  readonly #pool: RawPool;
  readonly #connections: RawConnection[] = [];
  readonly #databases: string[] = [];

  constructor(
    readonly url: string,
    private readonly given?: MongoDBEmulator,
  ) {
    this.#pool = new RawPool(url);
  }

  /** What tests under {@link Servers.itOnEmulator} may rely on. */
  get emulator(): MongoDBEmulator {
    return this.given!;
  }

  /** A name that no database has, on a server that has seen earlier runs as well. It is dropped in the end. */
  database(): TestDatabase {
    const name = `conformance-${crypto.randomUUID().slice(0, 13)}`;
    this.#databases.push(name);
    return new TestDatabase(name, this.#pool);
  }

  /** A connection of the test's own. */
  async connection(options?: RawConnectionOptions): Promise<RawConnection> {
    const connection = await RawConnection.open(this.url, options);
    this.#connections.push(connection);
    return connection;
  }

  /** Kills the emulator and starts it again; what was connected is not any more. */
  async restart(options?: RestartOptions): Promise<void> {
    await this.emulator.kill();
    await this.emulator.restart(options);
    await this.#pool.close();
  }

  async close(): Promise<void> {
    if (!this.given) for (const db of this.#databases) await this.#pool.run(db, { dropDatabase: 1 });
    await Promise.all(this.#connections.map((connection) => connection.close()));
    await this.#pool.close();
    await this.given?.stop();
  }
}

/** Emulators that all have these options beside their own. */
export function emulators(always: EmulatorOptions = {}): Servers {
  return {
    async open(options) {
      const emulator = await MongoDBEmulator.start({ ...options, ...always });
      return new ServerUnderTest(emulator.url, emulator);
    },
    itOnEmulator: (title, test) => void it(title, test),
  };
}

/** A real server, which is as it is. */
export function serverAt(url: string): Servers {
  return {
    open: async () => new ServerUnderTest(url),
    itOnEmulator: (title) => console.log(`  not tested on ${new URL(url).host}: "${title}" needs the emulator (unset MONGODB_URL)`),
  };
}
