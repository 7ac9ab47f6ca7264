import { PostgresDatabase } from '@waybill/postgres';
import type { PostgresTx } from '@waybill/postgres';
import {
  inboxStoreContract,
  laneClaimsContract,
  processStoreContract,
  projectionStoreContract,
  subscriptionLeaseContract,
} from '@waybill/testing';
import type { DatabaseFixture } from '@waybill/testing';
import { Pool } from 'pg';
import { postgresDatabase } from '../servers.js';

/** A database in which a transaction sees nothing that was committed since it began, unless it is told otherwise. */
async function open(level: string): Promise<DatabaseFixture<PostgresTx>> {
  const pool = new Pool({ connectionString: await postgresDatabase(), max: 20, options: `-c default_transaction_isolation=${level}` });
  const database = new PostgresDatabase({ pool, listen: false });
  await database.migrate();
  await pool.query('create table side_note (key text)');
  return {
    database,
    write: async (key, tx) => void (await tx.query('insert into side_note values ($1)', [key])),
    written: async () => (await pool.query<{ key: string }>('select key from side_note')).rows.map(({ key }) => key),
    close: () => pool.end(),
  };
}

const repeatableRead = (): ReturnType<typeof open> => open('repeatable\\ read');

inboxStoreContract('postgres at repeatable read', repeatableRead);
laneClaimsContract('postgres at repeatable read', repeatableRead);
laneClaimsContract('postgres at serializable', () => open('serializable'));
subscriptionLeaseContract('postgres at repeatable read', repeatableRead);
projectionStoreContract('postgres at repeatable read', repeatableRead);
processStoreContract('postgres at repeatable read', repeatableRead);
