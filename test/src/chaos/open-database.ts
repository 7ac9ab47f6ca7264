import type { Database } from '@waybill/core';
import type { DatabasePlace } from './dispatcher-order.js';

export interface OpenDatabase {
  readonly database: Database;
  /** Takes connections from the pool again and again, as a careless part of an application does. The returned function ends it. */
  hog(): () => void;
  close(): Promise<void>;
}

/** Few enough that three dispatchers share them out unevenly, and that the lanes of one have something to do. */
const LANES = 4;
const CONNECT_WITHIN_MS = 5_000;
const HOG_WITHIN_MS = 1_000;
const HOG_FOR_MS = 150;

/** @param poolSize - connections that the process may have; default: the driver's */
export function openDatabase(place: DatabasePlace, poolSize?: number): Promise<OpenDatabase> {
  return place.kind === 'postgres' ? openPostgres(place, poolSize) : openMongoDB(place, poolSize);
}

// A process loads the one driver that it needs: it is started a thousand times.
async function openPostgres({ url }: DatabasePlace, poolSize?: number): Promise<OpenDatabase> {
  const [{ Pool }, { PostgresDatabase }] = await Promise.all([import('pg').then((pg) => pg.default), import('@waybill/postgres')]);
  const pool = new Pool({
    connectionString: url,
    connectionTimeoutMillis: poolSize === undefined ? CONNECT_WITHIN_MS : HOG_WITHIN_MS,
    ...(poolSize !== undefined && { max: poolSize }),
  });
  pool.on('error', () => {}); // idle connections break when the server goes
  return {
    database: new PostgresDatabase({ pool, lanes: LANES }),
    hog: () => again(poolSize ?? 1, () => pool.query(`select pg_sleep(${HOG_FOR_MS / 1_000})`)),
    close: () => pool.end(),
  };
}

async function openMongoDB({ url, name }: DatabasePlace, poolSize?: number): Promise<OpenDatabase> {
  const [{ MongoClient }, { MongoDBDatabase }] = await Promise.all([import('mongodb'), import('@waybill/mongodb')]);
  const client = new MongoClient(url, {
    serverSelectionTimeoutMS: CONNECT_WITHIN_MS,
    ...(poolSize !== undefined && { maxPoolSize: poolSize, waitQueueTimeoutMS: HOG_WITHIN_MS }),
  });
  return {
    database: new MongoDBDatabase({ client, database: name, lanes: LANES, commitTimeoutMs: 2_000 }) as unknown as Database,
    hog: () => again((poolSize ?? 1) * 3, () => client.db(name).command({ ping: 1 })),
    close: () => client.close(),
  };
}

/** So many at a time, one behind the other. */
function again(sideBySide: number, act: () => Promise<unknown>): () => void {
  let isOver = false;
  for (let nth = 0; nth < sideBySide; nth++) {
    void (async () => {
      while (!isOver) {
        await act().catch(() => {}); // it waits its turn like everybody, and may not get it
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    })();
  }
  return () => void (isOver = true);
}
