import { EventStoreDB } from '@waybill/eventstoredb';
import { messagesOf } from '@waybill/testing';
import { deliverTo } from './emulated.js';

// A program that stops its sink, or closes, and has nothing more to do: `node deliver-and-end.js <url> <stop|close>`.
const [url, ending] = process.argv.slice(2);
const eventstore = new EventStoreDB(url!);
const messages = messagesOf(`ends-${crypto.randomUUID()}`, 3);

const { accepted } = await deliverTo(eventstore, messages);
let read = 0;
for await (const { revision } of eventstore.history.read(messages[0]!.stream, { from: 0n })) read = Number(revision) + 1;
if (ending === 'stop') await eventstore.sink.stop!();
else await eventstore.close();
console.log(JSON.stringify({ accepted, read }));
