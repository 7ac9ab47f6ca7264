import { AggregateRoot, defineEvent, UnitOfWork } from '@waybill/core';
import type { EventOf, UnitOfWorkOptions } from '@waybill/core';
import { PostgresDatabase } from '@waybill/postgres';
import type { PostgresOptions, PostgresTx } from '@waybill/postgres';
import { Pool } from 'pg';
import { z } from 'zod';
import { postgresDatabase } from '../servers.js';

export const NoteWritten = defineEvent('NoteWritten', z.object({ text: z.string() }));
export type NoteWritten = EventOf<typeof NoteWritten>;

export class Notebook extends AggregateRoot<NoteWritten> {
  readonly stream: string;
  readonly texts: string[] = [];

  constructor(id: string) {
    super();
    this.stream = `notebook-${id}`;
  }

  write(text: string): void {
    this.emit(NoteWritten({ text }));
  }

  protected override apply({ data }: NoteWritten): void {
    this.texts.push(data.text);
  }
}

export interface PostgresShop {
  readonly url: string;
  readonly pool: Pool;
  readonly database: PostgresDatabase;
  readonly unitOfWork: UnitOfWork<PostgresTx>;
  close(): Promise<void>;
}

/** A migrated database of its own, and a unit of work on it. */
export async function openShop(
  options: Omit<PostgresOptions, 'pool'> & Pick<UnitOfWorkOptions<PostgresTx>, 'history'> = {},
  url?: string,
): Promise<PostgresShop> {
  const { history, ...postgres } = options;
  const connectionString = url ?? (await postgresDatabase());
  const pool = new Pool({ connectionString, max: 20 });
  pool.on('error', () => {}); // connections are ended on purpose
  const database = new PostgresDatabase({ pool, ...postgres });
  await database.migrate();
  const unitOfWork = new UnitOfWork({ database, catalogue: [NoteWritten], ...(history && { history }) });
  return { url: connectionString, pool, database, unitOfWork, close: () => pool.end() };
}
