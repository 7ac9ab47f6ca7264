import { MongoDBDatabase } from '@waybill/mongodb';
import { PostgresDatabase } from '@waybill/postgres';
import { changedLanesContract } from '@waybill/testing';
import { MongoClient } from 'mongodb';
import { Pool } from 'pg';
import { mongodbDatabase, postgresDatabase } from '../servers.js';

changedLanesContract('postgres', async () => {
  const pool = new Pool({ connectionString: await postgresDatabase(), max: 12 });
  const withLanes = async (lanes: number): Promise<PostgresDatabase> => new PostgresDatabase({ pool, lanes, listen: false });
  const database = await withLanes(4);
  await database.migrate();
  return { database, withLanes, close: () => pool.end() };
});

changedLanesContract('mongodb', async () => {
  const { url, database: name } = await mongodbDatabase();
  const client = new MongoClient(url, { maxPoolSize: 20 });
  const withLanes = async (lanes: number): Promise<MongoDBDatabase> =>
    new MongoDBDatabase({ client, database: name, lanes, changeStream: false });
  const database = await withLanes(4);
  await database.migrate();
  return { database, withLanes, close: () => client.close() };
});
