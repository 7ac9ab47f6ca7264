import type { Pool } from 'pg';
import { PostgresDatabase } from '@waybill/postgres';

/**
 * What pg_dump and pg_restore do to Waybill's schema: tables are made anew, and every row is copied as it is, with the sequence's value. The
 * binaries from npm have neither program.
 */
export async function restoreDump(from: Pool, to: Pool): Promise<void> {
  const lanes = Number((await from.query<{ lanes: number }>('select lanes from waybill.identity')).rows[0]!.lanes);
  await new PostgresDatabase({ pool: to, lanes, listen: false }).migrate();
  const { rows: tables } = await from.query<{ name: string }>(
    `select relname as name from pg_class where relnamespace = 'waybill'::regnamespace and relkind = 'r' order by relname`,
  );
  const client = await to.connect();
  try {
    await client.query(`set session_replication_role = replica`); // foreign keys come last in a dump
    for (const { name } of tables) await client.query(`truncate waybill.${name} cascade`);
    for (const { name } of tables) {
      const { rows } = await from.query<{ row: string }>(`select row_to_json(t)::text as row from waybill.${name} as t order by ctid`);
      await client.query('begin');
      for (const { row } of rows)
        await client.query(
          `insert into waybill.${name} overriding system value select * from json_populate_record(null::waybill.${name}, $1::json)`,
          [row],
        );
      await client.query('commit');
    }
    for (const sequence of await sequencesOf(from)) await client.query(`select setval($1::regclass, $2::bigint, $3)`, [...sequence]);
  } finally {
    client.release(true);
  }
}

async function sequencesOf(pool: Pool): Promise<readonly (readonly [string, string, boolean])[]> {
  const { rows } = await pool.query<{ name: string }>(
    `select oid::regclass::text as name from pg_class where relnamespace = 'waybill'::regnamespace and relkind = 'S'`,
  );
  return Promise.all(
    rows.map(async ({ name }) => {
      const { rows: state } = await pool.query<{ last_value: string; is_called: boolean }>(`select last_value, is_called from ${name}`);
      return [name, state[0]!.last_value, state[0]!.is_called] as const;
    }),
  );
}
