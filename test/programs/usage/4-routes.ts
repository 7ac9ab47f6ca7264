import { Dispatcher } from '@waybill/core';
import { EventStoreDB } from '@waybill/eventstoredb';
import { PostgresDatabase } from '@waybill/postgres';
import { Pool } from 'pg';
import { ChargeCard, orderCatalogue as catalogue } from './orders/order-events.js';
import { unitOfWork } from './2-postgres.js';
import { cards } from './cards.js';
import { placeOrder } from './orders/order-commands.js';

const eventstore = new EventStoreDB('esdb://localhost:2113?tls=false');

export const dispatcher = new Dispatcher({
  database: new PostgresDatabase({ pool: new Pool() }),
  catalogue,
  routes: {
    eventstoredb: { sink: eventstore.sink, batch: { size: 500 } },
    cards: { sink: cards, only: [ChargeCard], onFailure: 'halt', retry: { attempts: 5, firstMs: 200, maxMs: 30_000 } },
    audit: { sink: cards, streams: ['order-'], order: 'global', start: 'beginning' },
  },
});

const off = dispatcher.on('halted', ({ route, lane, message, error }) =>
  console.error(`${route}/${lane} halted at ${message.stream}@${message.revision}: ${error.code}`),
);

await dispatcher.start();
const receipt = await unitOfWork.run((scope) => placeOrder(scope, '7', 'c-1', 4_200));
console.log(receipt.result.stream);
await dispatcher.delivered(receipt, 'eventstoredb', { timeoutMs: 5_000 });
await dispatcher.skip('cards', receipt.messages[1]!.id, 'card number withdrawn by the customer');
off();
await dispatcher.stop();
