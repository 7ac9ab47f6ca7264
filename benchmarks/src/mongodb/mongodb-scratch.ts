import { startMongoDB } from '@waybill/local-servers';
import type { LocalMongoDB } from '@waybill/local-servers';
import type { MongoDBTx } from '@waybill/mongodb';
import type { Scratch, Targets } from '../scratch.js';
import type { ShopOptions } from '../shop.js';
import type { Server } from '../suite.js';
import { MongoDBShop } from './mongodb-shop.js';

/** Databases of MongoDB, each with a client of its own. */
export class MongoDBScratch implements Scratch<MongoDBTx> {
  readonly targets: Targets = {
    commit: { toNaive: 0.8 },
    drainPerSecond: 30_000,
    latency: { perSecond: 500, p50Ms: 15 },
  };
  readonly words = { naive: 'two inserts by hand', wokenBy: 'the change stream', sent: 'commands' };
  readonly #shops: MongoDBShop[] = [];

  private constructor(private readonly server: LocalMongoDB) {}

  static async within<Result>(server: LocalMongoDB, work: (scratch: MongoDBScratch) => Promise<Result>): Promise<Result> {
    const scratch = new MongoDBScratch(server);
    try {
      return await work(scratch);
    } finally {
      for (const shop of scratch.#shops) await shop.end();
    }
  }

  async shop(options: ShopOptions = {}): Promise<MongoDBShop> {
    const shop = await MongoDBShop.open({ url: this.server.url, database: this.server.newDatabase(), ...options });
    this.#shops.push(shop);
    return shop;
  }
}

const EMULATOR_HOLDS = 300_000; // it keeps everything in memory, with its history

/** The run's server, in a process of its own. A majority acknowledges each commit, with its journal on the disk where there is one. */
export async function startMajorityMongoDB(): Promise<Server<MongoDBScratch>> {
  const server = await startMongoDB({ onDownload: () => console.error('Downloading a mongod, which takes a minute.') });
  return {
    description: `${server.description}: w majority`,
    ...(server.kind === 'emulator' && { holds: EMULATOR_HOLDS }),
    within: (work) => MongoDBScratch.within(server, work),
    stop: () => server.stop(),
  };
}
