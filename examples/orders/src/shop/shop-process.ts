/** The shop, a program of its own, so that it can be killed. Ends when its parent is gone. */
import { EventStoreDB } from '@waybill/eventstoredb';
import type { ShopOrder } from '../child-orders.js';
import { openShop } from '../composition/databases.js';
import { untilDeath } from '../death.js';
import { serve } from '../serve.js';

const { place, eventstoredb, payments, times, death } = JSON.parse(process.argv[2] ?? '') as ShopOrder;
const eventstore = new EventStoreDB(eventstoredb);
const opened = openShop(place);
const shop = opened.shop({ eventstore, payments, run: place.run, times, reached: untilDeath(death) });
shop.dispatcher.on('halted', ({ route, error }) => console.error(`  ! the shop's route ${route} has halted: ${error.message}`));
shop.dispatcher.on('parked', ({ route, error }) => console.error(`  ! the shop's route ${route} has parked a stream: ${error.message}`));

await serve(shop);
await eventstore.close();
await opened.close();
process.disconnect();
