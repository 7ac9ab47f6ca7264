/** The shipping service, a program of its own, so that it can be killed. Ends when its parent is gone. */
import { EventStoreDB } from '@waybill/eventstoredb';
import type { ShippingOrder } from '../child-orders.js';
import { openShipping } from '../composition/databases.js';
import { untilDeath } from '../death.js';
import { serve } from '../serve.js';

const { place, eventstoredb, leaseMs, death } = JSON.parse(process.argv[2] ?? '') as ShippingOrder;
const eventstore = new EventStoreDB(eventstoredb);
const opened = openShipping(place);

await serve(opened.shipping({ eventstore, run: place.run, leaseMs, reached: untilDeath(death) }));
await eventstore.close();
await opened.close();
process.disconnect();
