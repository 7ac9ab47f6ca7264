import { Dispatcher, HandlerSink, UnitOfWork } from '@waybill/core';
import { PostgresDatabase } from '@waybill/postgres';
import type { PostgresTx } from '@waybill/postgres';
import { escapeIdentifier, Pool } from 'pg';
import { delayBoard } from '../delay-board.js';
import { flightCatalogue as catalogue } from '../flight-events.js';
import type { FlightsApplication } from '../flights-application.js';
import { LongDelayNotices } from '../long-delay-notices.js';
import { PostgresDelayBoard } from './postgres-delay-board.js';
import { PostgresEvidence } from './postgres-evidence.js';
import { PostgresNoticeBook } from './postgres-notice-book.js';

const BATCH_SIZE = 100; // a fifth of the default: what is delivered is recorded sooner, and less is delivered again after a kill

/** The application on PostgreSQL. Waybill's tables and its own are in a schema of the run, also on a server that has others. */
export function flightsOnPostgres(url: string, run: string): FlightsApplication {
  const name = `waybill_flights_${run}`;
  const schema = escapeIdentifier(name);
  const pool = new Pool({ connectionString: url, max: 20 });
  pool.on('error', () => {}); // an idle connection was lost: the next query says so
  const database = new PostgresDatabase({ pool, schema: name });
  const projectors = [delayBoard<PostgresTx>((tx) => new PostgresDelayBoard(tx, schema))];
  const handlers = [new LongDelayNotices<PostgresTx>((tx) => new PostgresNoticeBook(tx, schema))];

  return {
    place: `schema ${name}`,
    unitOfWork: ({ history }, reached) => new UnitOfWork({ database, catalogue, history, projectors, reached }),
    dispatcher: ({ history, sink }, options) => {
      const unitOfWork = new UnitOfWork({ database, catalogue, history, projectors });
      const notices = new HandlerSink({ database, unitOfWork, handlers });
      return new Dispatcher({
        ...options,
        database,
        catalogue,
        routes: { eventstoredb: { sink, batch: { size: BATCH_SIZE } }, notices: { sink: notices } },
      });
    },
    evidence: new PostgresEvidence(pool, schema),
    create: async () => {
      await database.migrate();
      await pool.query(PostgresDelayBoard.table(schema));
      await pool.query(PostgresNoticeBook.table(schema));
    },
    drop: async () => void (await pool.query(`drop schema if exists ${schema} cascade`)),
    close: () => pool.end(),
  };
}
