import { databaseContract } from '@waybill/testing';
import type { PostgresTx } from '@waybill/postgres'; // your adapter, and its transaction
import { PostgresDatabase } from '@waybill/postgres';
import { Pool } from 'pg';

databaseContract<PostgresTx>(
  'postgres',
  async () => {
    const pool = new Pool({ max: 20 });
    const database = new PostgresDatabase({ pool });
    await database.migrate();
    await pool.query('create table side_note (key text)');
    return {
      database,
      write: async (key, tx) => void (await tx.query('insert into side_note values ($1)', [key])),
      written: async () => (await pool.query<{ key: string }>('select key from side_note')).rows.map(({ key }) => key),
      close: () => pool.end(),
    };
  },
  { conflicts: 'at-append', processes: true },
);
