import { Dispatcher, HandlerSink, UnitOfWork } from '@waybill/core';
import { MongoDBDatabase } from '@waybill/mongodb';
import type { MongoDBTx } from '@waybill/mongodb';
import { MongoClient } from 'mongodb';
import { delayBoard } from '../delay-board.js';
import { flightCatalogue as catalogue } from '../flight-events.js';
import type { FlightsApplication } from '../flights-application.js';
import { LongDelayNotices } from '../long-delay-notices.js';
import { MongoDBDelayBoard } from './mongodb-delay-board.js';
import { MongoDBEvidence } from './mongodb-evidence.js';
import { MongoDBNoticeBook } from './mongodb-notice-book.js';

const BATCH_SIZE = 100; // a fifth of the default: what is delivered is recorded sooner, and less is delivered again after a kill

/** The application on MongoDB. Waybill's collections and its own are in a database of the run, also on a server that has others. */
export function flightsOnMongoDB(url: string, run: string): FlightsApplication {
  const name = `waybill_flights_${run}`;
  const client = new MongoClient(url);
  const database = new MongoDBDatabase({ client, database: name });
  const projectors = [delayBoard<MongoDBTx>((tx) => new MongoDBDelayBoard(tx))];
  const handlers = [new LongDelayNotices<MongoDBTx>((tx) => new MongoDBNoticeBook(tx))];

  return {
    place: `database ${name}`,
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
    evidence: new MongoDBEvidence(client.db(name)),
    create: async () => {
      await database.migrate();
      await MongoDBDelayBoard.create(client.db(name));
      await MongoDBNoticeBook.create(client.db(name));
    },
    drop: async () => void (await client.db(name).dropDatabase()),
    close: () => client.close(),
  };
}
