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
  readonly #databases: TestDatabase[] = [];

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
    const database = new TestDatabase(name, this.#pool);
    this.#databases.push(database);
    return database;
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
    if (!this.given) await this.#dropDatabases();
    await Promise.all(this.#connections.map((connection) => connection.close()));
    await this.#pool.close();
    await this.given?.stop();
  }

  async #dropDatabases(): Promise<void> {
    const lsids = this.#databases.flatMap((database) => database.lsids);
    if (lsids.length > 0) await this.#pool.run('admin', { killSessions: lsids });
    for (const { name } of this.#databases) await this.#pool.run(name, { dropDatabase: 1 });
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
