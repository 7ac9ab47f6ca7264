import { EventStoreDBClient, jsonEvent } from '@eventstore/db-client';

const [url, defect] = process.argv.slice(2);
const client = EventStoreDBClient.connectionString(url!);
const event = jsonEvent({ type: 'Happened', data: {} });
const bad = {
  'empty-type': { ...event, type: '' },
  'nil-id': { ...event, id: '00000000-0000-0000-0000-000000000000' },
  'no-id': { ...event, id: 'garbage' },
}[defect!]!;

const refused = await client.appendToStream('bad-events', bad).catch((error: { type: string; message: string }) => error);
const { type, message } = refused as { type: string; message: string };
const refusedAt = Date.now();

const impatience = setTimeout(() => tell('nothing'), 8_000);
const tell = (unhandled: string): void => {
  clearTimeout(impatience);
  console.log(JSON.stringify({ type, message, unhandled, afterMs: Date.now() - refusedAt }));
  process.exit();
};
process.on('uncaughtException', (error) => tell(String(error)));
